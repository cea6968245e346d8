"""Delivery to an endpoint that behaves and misbehaves: nothing is saved twice unless told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from authlib.oauth1.rfc5849.signature import generate_signature_base_string, hmac_sha1_signature
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from hypothesis import given
from hypothesis import strategies as st

from feedengine.errors import ServiceError, UsageError
from feedengine.plays import endpoint as module
from feedengine.plays.answers import Complaint, complaint_of
from feedengine.plays.deliver import Delivered, Site, deliver
from feedengine.plays.endpoint import signed, with_country
from feedengine.plays.pace import Pace
from feedengine.plays.settling import release, status

from .bucket_server import free_ports
from .recipient import KEY, SECRET, Recipient, reply
from .tables import NOW, endpoint, saved, site_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def recipient() -> Iterator[Recipient]:
    """The other side."""
    made = Recipient()
    yield made
    made.stop()


@pytest.fixture
def site(tmp_path: Path, recipient: Recipient) -> Iterator[Site]:
    """A site that delivers there."""
    made = site_at(
        tmp_path,
        endpoint_url=recipient.url,
        endpoint_consumer_key=KEY,
        endpoint_consumer_secret=SECRET,
        send_retry_seconds=2.0,
    )
    yield made
    made.database.dispose()


def setting(site: Site, **values: Any) -> None:
    """Change settings between two runs."""
    site.settings = site.settings.but(**values)


def sent(site: Site, count: int = 250, **columns: Any) -> Delivered:
    """Deliver so many plays."""
    path = saved(endpoint(count, **columns), site.settings.root / "a.parquet")
    return deliver(site, path, "endpoint")


def users(recipient: Recipient) -> Counter[str]:
    """How often each user's play was saved; every play of these tests has its own."""
    return Counter(item["userId"] for item in recipient.saved)


def once(count: int) -> Counter[str]:
    """Each of so many plays once."""
    return Counter(f"user {at}" for at in range(count))


def test_items_are_saved_a_hundred_at_a_time(site: Site, recipient: Recipient) -> None:
    """Signed, with the fixed country in the query and each item's own in the body."""
    found = sent(site, country=["US"] * 250)
    assert (found.delivered, found.fine) == (250, True)
    assert users(recipient) == once(250)
    bodies = [json.loads(body)["playLogItem"] for _, _, body, _ in recipient.requests]
    assert [len(items) for items in bodies] == [100, 100, 50]
    assert recipient.queries() == [{"country": "GB"}] * 3
    assert {item["country"] for item in recipient.saved} == {"US"}
    assert sent(site, country=["US"] * 250).already_delivered == 250
    assert len(recipient.requests) == 3


@pytest.mark.parametrize("word", ["500", "502", "503", "504", "429"])
def test_what_passes_is_tried_again(site: Site, recipient: Recipient, word: str) -> None:
    """Any status but 200: nothing was saved; so these may be sent again."""
    recipient.plan = ["save", word, word]
    assert sent(site).delivered == 250
    assert users(recipient) == once(250)


@pytest.mark.parametrize("word", ["lost", "half", "reset", "error 200"])
def test_a_lost_answer_is_held(site: Site, recipient: Recipient, word: str) -> None:
    """In doubt: not sent again by anything but a person, who is shown it."""
    recipient.plan = ["save", word]
    found = sent(site)
    assert (found.delivered, found.in_doubt, found.fine) == (150, 100, False)
    again = sent(site)
    assert (again.delivered, again.already_delivered, again.in_doubt) == (0, 250, 100)
    assert max(users(recipient).values()) == 1
    (shown,) = status(site)["open"]
    assert shown["status"] == "in-doubt"
    assert shown["message"]


def test_a_person_releases_what_is_in_doubt(site: Site, recipient: Recipient) -> None:
    """As missing: sent again, the very same bytes. As arrived: never. Dropped: free to leave."""
    recipient.plan = ["reset", "lost", "lost"]
    assert sent(site, 300).in_doubt == 300
    third, second, first = [one["id"] for one in status(site)["open"]]
    assert release(site, second, "arrived").status == "delivered"
    assert release(site, first, "missing").status == "prepared"
    found = deliver(site, None, "endpoint")
    assert (found.delivered, found.in_doubt) == (100, 100)
    assert recipient.requests[3][2] == recipient.requests[0][2]
    assert users(recipient) == once(300)
    release(site, third, "drop")
    assert sent(site, 300).delivered == 100


def test_with_retry_a_lost_answer_is_sent_again(site: Site, recipient: Recipient) -> None:
    """Whoever would rather count twice than not at all says so."""
    setting(site, endpoint_in_doubt="retry")
    recipient.plan = ["lost", "reset"]
    assert sent(site, 100).delivered == 100
    assert users(recipient) == once(100) + once(100)


def test_with_retry_what_was_held_is_sent_by_the_next_run(site: Site, recipient: Recipient) -> None:
    """Also when the setting changes between runs."""
    recipient.plan = ["reset"]
    assert sent(site, 100).in_doubt == 100
    setting(site, endpoint_in_doubt="retry")
    assert deliver(site, None, "endpoint").delivered == 100
    assert users(recipient) == once(100)


def test_with_retry_an_endpoint_that_stays_away_leaves_doubt(
    site: Site, recipient: Recipient
) -> None:
    """When the time for trying is over, the last word is in doubt, not "not saved"."""
    setting(site, endpoint_in_doubt="retry", send_retry_seconds=0.0)
    recipient.plan = ["lost"]
    assert sent(site, 100).in_doubt == 100


@pytest.mark.parametrize("base", [0, 1])
def test_refused_items_are_taken_out(site: Site, recipient: Recipient, base: int) -> None:
    """Error 1008: the recipient's own reason is kept, the rest is sent again, each once."""
    setting(site, endpoint_index_base=base)
    recipient.index_base = base
    bad = {"user 0", "user 7", "user 99", "user 249"}
    recipient.invalid = lambda item: "TrackId is wrong" if item["userId"] in bad else None
    found = sent(site)
    assert (found.delivered, found.refused, found.fine) == (246, 4, False)
    assert users(recipient) == once(250) - Counter(bad)
    assert status(site)["refused"] == [{"code": "1008", "reason": "TrackId is wrong", "plays": 4}]
    recipient.invalid = lambda _: None
    again = sent(site)
    assert (again.delivered, again.already_delivered) == (4, 246)
    assert users(recipient) == once(250)


def test_an_index_beyond_the_request_takes_nothing_out(site: Site, recipient: Recipient) -> None:
    """Probably the base is another: better to refuse the request than the wrong item."""
    recipient.index_base = 1
    recipient.invalid = lambda item: "bad" if item["userId"] == "user 99" else None
    found = sent(site, 100)
    assert (found.delivered, found.refused) == (0, 100)
    (told,) = status(site)["refused"]
    assert "endpoint_index_base" in told["reason"]
    assert recipient.saved == []


def test_401_stops_at_once(site: Site, recipient: Recipient) -> None:
    """With the settings to look at; nothing was saved, and the plays wait."""
    setting(site, endpoint_consumer_key="nobody")
    with pytest.raises(ServiceError, match="refuses the consumer key") as raised:
        sent(site)
    assert (raised.value.exit_status, len(recipient.requests)) == (3, 1)
    assert "endpoint_consumer_secret" in raised.value.hint
    setting(site, endpoint_consumer_key=KEY)
    assert sent(site).delivered == 250
    assert users(recipient) == once(250)


@pytest.mark.parametrize("word", ["404", "302", "405"])
def test_a_wrong_address_stops_at_once(site: Site, recipient: Recipient, word: str) -> None:
    """Redirects are not followed: the signature is for one address."""
    recipient.plan = [word]
    with pytest.raises(ServiceError, match="there is no endpoint at this address"):
        sent(site)
    assert len(recipient.requests) == 1


def test_an_endpoint_that_is_not_there_is_told(site: Site) -> None:
    """Refused connections: nothing was saved, so the plays wait and are not in doubt."""
    setting(site, endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}/", send_retry_seconds=0.5)
    with pytest.raises(ServiceError, match="cannot be reached"):
        sent(site, 100)
    (shown,) = status(site)["open"]
    assert shown["status"] == "prepared"


def test_requests_that_are_refused_as_a_whole_do_not_go_on_for_ever(
    site: Site, recipient: Recipient
) -> None:
    """Three in a row, and no more: something is wrong with all of them."""
    recipient.plan = ["400"] * 9
    with pytest.raises(ServiceError, match="3 requests in a row were refused"):
        sent(site, 900)
    assert len(recipient.requests) == 3
    recipient.plan = []
    assert sent(site, 900).delivered == 900
    assert users(recipient) == once(900)


def test_slow_answers_are_waited_for(
    site: Site, recipient: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to a limit; beyond it the request is in doubt."""
    recipient.plan = ["slow"]
    assert sent(site, 100).delivered == 100
    monkeypatch.setattr(module, "READ_SECONDS", 0.3)
    recipient.plan = ["slow"]
    assert sent(site, 100, id=endpoint(100, 9)["id"]).in_doubt == 100


def test_an_answer_that_drips_is_lost(
    site: Site, recipient: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, and the whole never does."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.3)

    def drip(handler: Any, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _turn in range(20):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    recipient.plan = [drip]
    assert sent(site, 100).in_doubt == 100


def test_a_large_answer_is_not_read_to_its_end(site: Site, recipient: Recipient) -> None:
    """A megabyte is more than any answer needs."""
    recipient.plan = [lambda handler, _: reply(handler, 200, b" " * (3 << 20))]
    assert sent(site, 100).delivered == 100


def test_two_months_are_checked_again_at_sending(site: Site, recipient: Recipient) -> None:
    """What waited until it was too old is taken out, with its reason."""
    recipient.plan = ["401"]
    played = [f"{NOW - timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}" for day in (60, 30, 1)]
    with pytest.raises(ServiceError):
        sent(site, 3, datetimeplayed=played)
    site.now = lambda: NOW + timedelta(days=40)
    found = deliver(site, None, "endpoint")
    assert (found.delivered, found.too_old) == (1, 2)
    assert users(recipient) == Counter(["user 2"])


# Pace


def windows(instants: list[float], size: float) -> int:
    """The most instants in any window of a size."""
    return max(sum(one <= other < one + size for other in instants) for one in instants)


def test_no_window_of_a_second_has_more_than_ten_requests(site: Site, recipient: Recipient) -> None:
    """Told by the recipient's clock, with answers that are slow now and then."""
    chance = random.Random(7)  # noqa: S311 - no secrets here

    def late(handler: Any, body: bytes) -> None:
        time.sleep(chance.choice([0, 0, 0, 0.15]))
        recipient._judge(handler, body, "save")

    recipient.plan = [late] * 35
    assert sent(site, 3500).delivered == 3500
    assert windows([at for at, *_ in recipient.requests], 1.0) <= 10


def test_the_next_run_does_not_begin_in_the_last_ones_second(
    site: Site, recipient: Recipient
) -> None:
    """Ten requests, a new process, ten more: no eleven in a second."""
    sent(site, 1000)
    sent(site, 1000, id=endpoint(1000, 1)["id"])
    assert len(recipient.requests) == 20
    assert windows([at for at, *_ in recipient.requests], 1.0) <= 10


@given(st.lists(st.floats(0, 0.4), min_size=1, max_size=60))
def test_the_window_slides(delays: list[float]) -> None:
    """However long requests are under way, arriving at any moment of it: ten at most."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    pace = Pace(clock=lambda: now, sleep=sleep)
    earliest, latest = [], []
    for delay in delays:
        pace.wait()
        earliest.append(now)
        now += delay
        latest.append(now)
        pace.answered()
    for at in range(len(delays) - 10):
        assert earliest[at + 10] - latest[at] > 1.0 - 1e-9


# Signatures


def reference(
    method: str, url: str, given: list[tuple[str, str]], secret: str, token: str = ""
) -> str:
    """RFC 5849, section 3.4, written down once more: ``url`` is normalised, without its query."""
    pairs = sorted((escaped(name), escaped(value)) for name, value in given)
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    return authenticated("&".join(map(escaped, (method, url, normal))), secret, token)


def authenticated(base: str, secret: str, token: str = "") -> str:
    """RFC 5849, section 3.4.2."""
    key = f"{escaped(secret)}&{escaped(token)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def escaped(text: str) -> str:
    """RFC 5849, section 3.6."""
    return quote(text, safe="~")


PUBLISHED = [
    (  # RFC 5849, section 1.2, the last request
        ("GET", "http://photos.example.net/photos"),
        {"oauth_timestamp": "137131202", "oauth_nonce": "chapoH"},
        {"oauth_token": "nnch734d00sl2jdk", "file": "vacation.jpg", "size": "original"},
        "pfkkdhi9sl3r4s00",
        "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
    ),
    (  # OAuth Core 1.0, appendix A.5
        ("GET", "http://photos.example.net/photos"),
        {"oauth_timestamp": "1191242096", "oauth_nonce": "kllo9940pd9333jh"},
        {
            "oauth_token": "nnch734d00sl2jdk",
            "oauth_version": "1.0",
            "file": "vacation.jpg",
            "size": "original",
        },
        "pfkkdhi9sl3r4s00",
        "tR3+Ty81lMeYAr/Fid0kMTYa/WM=",
    ),
]


@pytest.mark.parametrize(("what", "fixed", "more", "token", "signature"), PUBLISHED)
def test_the_reference_reproduces_published_signatures(
    what: tuple[str, str],
    fixed: dict[str, str],
    more: dict[str, str],
    token: str,
    signature: str,
) -> None:
    """So what ours is compared with below is right."""
    ours = {"oauth_consumer_key": "dpf43f3p2l4k3l03", "oauth_signature_method": "HMAC-SHA1"}
    pairs = [*ours.items(), *fixed.items(), *more.items()]
    assert reference(*what, pairs, "kd94hf93k423kf44", token) == signature


def test_the_reference_reproduces_the_published_two_legged_key() -> None:
    """The test cases of the OAuth wiki, "HMAC-SHA1", without a token secret."""
    assert authenticated("bs", "cs") == "egQqG5AJep5sJ7anhXju1unge2I="


def test_a_signature_is_the_references() -> None:
    """The query is signed; the JSON body is not, and has no hash."""
    url = "https://api.example.com/1.2/log"
    header = signed(
        f"{url}?country=GB", "key", "s & p", nonce="nonce1234567", timestamp="1700000000"
    )
    pairs = {
        "country": "GB",
        "oauth_consumer_key": "key",
        "oauth_nonce": "nonce1234567",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1700000000",
        "oauth_version": "1.0",
    }
    expected = reference("POST", url, list(pairs.items()), "s & p")
    assert f'oauth_signature="{escaped(expected)}"' in header
    assert "oauth_body_hash" not in header


@pytest.mark.parametrize("secret", ["secret", "s & ü/+=% ~", ""])
@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/1.2/log?country=GB",
        "http://api.example.com:80/a%20b?b=2&a=1&a=0&c=%C3%BC&country=GB",
        "https://API.example.com:8443/?x=a+b&y=~-._",
    ],
)
def test_a_second_library_signs_alike(
    url: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Authlib shares no code with oauthlib."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    header = signed(url, "key", secret, nonce="nonce1234567", timestamp="1700000000")
    parts = dict(part.split("=", 1) for part in header.removeprefix("OAuth ").split(", "))
    assert {*parts} == {
        "oauth_nonce",
        "oauth_timestamp",
        "oauth_version",
        "oauth_signature_method",
        "oauth_consumer_key",
        "oauth_signature",
    }
    expected = hmac_sha1_signature(base_string(url), secret, "")
    assert parts["oauth_signature"].strip('"') == escaped(expected)


def base_string(url: str) -> str:
    """Authlib's signature base string of one of our requests."""
    header = (
        'OAuth oauth_nonce="nonce1234567", oauth_timestamp="1700000000", oauth_version="1.0",'
        ' oauth_signature_method="HMAC-SHA1", oauth_consumer_key="key"'
    )
    request = OAuth1Request("POST", url, headers={"Authorization": header})
    found: str = generate_signature_base_string(request)
    return found


def test_the_country_stands_in_the_query_once() -> None:
    """Added to the complete address, unless it is there."""
    assert with_country("https://a.b/c?x=1", "us") == "https://a.b/c?x=1&country=US"
    assert with_country("https://a.b/c?country=FR", "GB") == "https://a.b/c?country=FR"
    with pytest.raises(UsageError, match="is no address"):
        with_country("a.b/c", "GB")


# Answers

ANSWERS: list[tuple[bytes, Complaint | None]] = [
    (b"", None),
    (b"ok", None),
    (b"{}", None),
    (b'{"status":"ok","code":null}', None),
    (b"{", None),
    (b"<html><body>Error</body></html>", None),
    (b'{"status":"error"}', Complaint("?", "")),
    (b"error 1008: bad", Complaint("1008", "error 1008: bad")),
    (
        b'{"error":{"code":1008,"message":"Invalid","index":3}}',
        Complaint("1008", "Invalid", ((3, "Invalid"),)),
    ),
    (
        b'[{"code":"1008","message":"a","ErrorIndex":"2"},{"code":"1008","ErrorIndex":"0"}]',
        Complaint("1008", "a", ((0, "a"), (2, "a"))),
    ),
    (
        b'{"errors":[{"index":[1,4],"reason":"x"}],"code":"1008"}',
        Complaint("1008", "x", ((1, "x"), (4, "x"))),
    ),
    (
        b"""<response status="error" version="1.2"><error code="1008">
        <errorMessage>Invalid logs</errorMessage>
        <item index="5"><reason>userId</reason></item></error></response>""",
        Complaint("1008", "Invalid logs", ((5, "userId"),)),
    ),
    (
        b'<r><error code="1002"><errorMessage>Invalid value</errorMessage></error></r>',
        Complaint("1002", "Invalid value"),
    ),
    (
        b'<!DOCTYPE r [<!ENTITY a "b">]><r code="1008" index="1">&a;</r>',
        Complaint("1008", '<!DOCTYPE r [<!ENTITY a "b">]><r code="1008" index="1">&a;</r>'),
    ),
]


@pytest.mark.parametrize(("body", "expected"), ANSWERS, ids=[str(one) for one in range(14)])
def test_answers_are_read_in_any_form(body: bytes, expected: Complaint | None) -> None:
    """The recipient's document names code, message and index, and no form."""
    assert complaint_of(body) == expected


@given(st.binary(max_size=200))
def test_no_answer_is_too_strange(body: bytes) -> None:
    """Whatever comes is a complaint or none."""
    assert complaint_of(body) is None or complaint_of(body)


def test_deep_answers_are_borne() -> None:
    """Hostile nesting ends no run."""
    assert complaint_of(b"[" * 100_000 + b"]" * 100_000) is None
    assert complaint_of(b"<a>" * 5_000 + b"</a>" * 5_000) is None


def test_two_deliverers_at_once_save_each_play_once(
    site: Site, recipient: Recipient, tmp_path: Path
) -> None:
    """The second waits for its turn, and finds that everything has left."""
    second = Site(site.settings, site.database, now=site.now)
    path = saved(endpoint(500), tmp_path / "same.parquet")
    found: list[Delivered] = []
    runs = [
        threading.Thread(target=lambda one=one: found.append(deliver(one, path, "endpoint")))
        for one in (site, second)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(one.delivered for one in found) == [0, 500]
    assert users(recipient) == once(500)


def test_the_connection_is_closed(site: Site, recipient: Recipient) -> None:
    """A context manager; and one that was never opened is closed, too."""
    made = module.Endpoint(recipient.url, KEY, SECRET, "way")
    with made:
        assert made.there(None) is None  # type: ignore[arg-type]
    assert sent(site, 1).delivered == 1
