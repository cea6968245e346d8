"""Delivery to a real S3 server, behind a proxy that harms requests: each play arrives once."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from feedengine.errors import PassingError, ServiceError
from feedengine.plays import s3
from feedengine.plays.carriers import NotSentError
from feedengine.plays.deliver import Delivered, Site, deliver
from feedengine.plays.encode import read_receipts
from feedengine.plays.s3 import DIGEST, Bucket
from feedengine.plays.settling import status
from feedengine.store.parcels import Parcel

from .bucket_server import BUCKET, OWNER, WRITER, BucketServer, free_ports
from .proxy import HARMS, Proxy
from .tables import ids, receipts, saved, site_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "receipts/radio/12345/2026-11-21_12345_NONSUBSTREAM_{:012d}.parquet"
WAY = "receipts s3://plays/in"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site that delivers to the bucket, a hundred plays a file."""
    made = site_at(tmp_path, s3_bucket=BUCKET, s3_prefix="in", parcel_rows=100)
    yield made
    made.database.dispose()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off without the waiting."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


def sent(site: Site, count: int = 250) -> Delivered:
    """Deliver so many plays."""
    return deliver(site, saved(receipts(count), site.settings.root / "a.parquet"))


def arrived(server: BucketServer) -> list[str]:
    """The ids of all plays in the bucket, file by file."""
    found = sorted(server.objects().items())
    return [one for _, content in found for one in read_receipts(content)["id"].to_pylist()]


def parcel_of(content: bytes, *, attempts: int = 1, key: str = "k/x.parquet") -> Parcel:
    """A parcel as the sender hands it over."""
    digest = hashlib.sha256(content).hexdigest()
    named = dict.fromkeys(Parcel._fields)
    known: dict[str, Any] = {"id": 1, "key": key, "attempts": attempts, "size": len(content)}
    return Parcel(**{**named, **known, "digest": digest, "plays": 1})


def bucket(**more: Any) -> Bucket:
    """A way out that gives up soon."""
    return Bucket(BUCKET, "", "way", **{"retry_seconds": 5, **more})


def test_files_arrive_under_their_keys(
    proxy: Proxy, bucket_server: BucketServer, site: Site
) -> None:
    """Numbers from 1, the digest in the metadata, and every play once."""
    found = sent(site)
    assert found.delivered == 250
    assert found.keys == [KEY.format(one) for one in (1, 2, 3)]
    assert sorted(bucket_server.objects()) == [f"in/{key}" for key in found.keys]
    assert arrived(bucket_server) == ids(250)
    for key, content in bucket_server.objects().items():
        head = bucket_server.client().head_object(Bucket=BUCKET, Key=key)
        assert head["Metadata"][DIGEST] == hashlib.sha256(content).hexdigest()
    assert {method for method, _ in proxy.seen} == {"PUT"}


def test_the_same_input_twice_sends_nothing(
    proxy: Proxy, bucket_server: BucketServer, site: Site
) -> None:
    """Already delivered, all of it; and no request is made."""
    sent(site)
    proxy.seen.clear()
    again = sent(site)
    assert (again.delivered, again.already_delivered) == (0, 250)
    assert proxy.seen == []
    assert arrived(bucket_server) == ids(250)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("harm", [one for one in HARMS if one != "no bucket"])
def test_harm_is_borne(
    proxy: Proxy, bucket_server: BucketServer, site: Site, harm: str, at: int
) -> None:
    """Whatever befalls a request, twice in a row: every play is in the bucket once."""
    proxy.plan = ["pass"] * at + [harm, harm]
    assert sent(site).delivered == 250
    assert proxy.plan == []
    assert sorted(arrived(bucket_server)) == sorted(ids(250))
    assert sorted(bucket_server.objects()) == [f"in/{KEY.format(one)}" for one in (1, 2, 3)]


@pytest.mark.usefixtures("quick")
def test_a_lost_answer_is_settled_by_the_digest(
    proxy: Proxy, bucket_server: BucketServer, site: Site
) -> None:
    """The second PUT is refused (412), and HEAD says that the bytes are ours."""
    proxy.plan = ["lost"]
    assert sent(site, 50).delivered == 50
    assert [method for method, _ in proxy.seen] == ["PUT", "PUT", "HEAD"]
    assert arrived(bucket_server) == ids(50)


def test_what_somebody_else_wrote_is_left_alone(
    proxy: Proxy, bucket_server: BucketServer, site: Site
) -> None:
    """Other bytes under our key: a conflict that people see, and nothing is overwritten."""
    del proxy
    taken = f"in/{KEY.format(1)}"
    bucket_server.client().put_object(Bucket=BUCKET, Key=taken, Body=b"theirs")
    found = sent(site)
    assert (found.delivered, found.conflicts, found.fine) == (150, 100, False)
    assert bucket_server.objects()[taken] == b"theirs"
    (shown,) = status(site)["open"]
    assert shown["status"] == "conflict"
    assert "holds other bytes" in shown["message"]


@pytest.mark.usefixtures("quick")
def test_a_server_that_stays_away_is_told_and_nothing_is_lost(
    proxy: Proxy, bucket_server: BucketServer, site: Site
) -> None:
    """Exit 3; the next call goes on where this one ended."""
    proxy.plan = ["pass"] + ["503"] * 10_000
    site.settings = site.settings.but(send_retry_seconds=0.0)
    with pytest.raises(ServiceError, match="SlowDown"):
        sent(site)
    proxy.plan = []
    again = sent(site)
    assert (again.delivered, again.already_delivered) == (150, 200)
    assert arrived(bucket_server) == ids(250)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "refuses these credentials .SignatureDoesNotMatch"),
        ("AWS_ACCESS_KEY_ID", "NOBODY", "refuses these credentials .InvalidAccessKeyId"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:{}", "does not answer"),
        ("AWS_ENDPOINT_URL", "no address", "cannot be asked"),
        ("AWS_ACCESS_KEY_ID", None, "no AWS credentials"),
    ],
)
@pytest.mark.usefixtures("proxy", "quick")
def test_what_the_operator_must_mend_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, told: str
) -> None:
    """Plain words, exit 3, and the plays wait."""
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value.format(*free_ports(1)))
    site.settings = site.settings.but(send_retry_seconds=0.0)
    with pytest.raises(ServiceError, match=told) as raised:
        sent(site)
    assert raised.value.exit_status == 3
    assert raised.value.hint


@pytest.mark.usefixtures("quick")
def test_a_missing_bucket_is_said(proxy: Proxy, site: Site) -> None:
    """At once: trying again would not make one."""
    proxy.plan = ["no bucket"] * 9
    with pytest.raises(NotSentError, match="there is no bucket plays"):
        sent(site)
    assert len(proxy.seen) == 1


# A bucket that is only written to


@pytest.fixture
def writer(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """The account that may not read."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRITER[1])
    return proxy


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("harm", ["lost", "reset", "500", "truncated"])
def test_a_write_only_bucket_gets_identical_bytes_again(
    writer: Proxy, bucket_server: BucketServer, tmp_path: Path, harm: str
) -> None:
    """Nothing can be asked there, so a PUT whose answer was lost is simply repeated."""
    site = site_at(tmp_path, s3_bucket=BUCKET, parcel_rows=100, s3_write_only=True)
    with closing(_Disposed(site)):
        writer.plan = [harm]
        assert sent(site).delivered == 250
    assert sorted(arrived(bucket_server)) == sorted(ids(250))
    assert {method for method, _ in writer.seen} == {"PUT"}


class _Disposed:
    def __init__(self, site: Site) -> None:
        self.site = site

    def close(self) -> None:
        """Close the site's database."""
        self.site.database.dispose()


@pytest.mark.usefixtures("writer")
def test_in_a_write_only_bucket_a_stranger_is_noticed(bucket_server: BucketServer) -> None:
    """A key that is taken before our first attempt is not ours."""
    bucket_server.client().put_object(Bucket=BUCKET, Key="k/x.parquet", Body=b"theirs")
    assert bucket(write_only=True).send(parcel_of(b"ours"), b"ours").outcome == "conflict"
    assert bucket_server.objects() == {"k/x.parquet": b"theirs"}


@pytest.mark.usefixtures("quick")
def test_a_bucket_that_may_not_be_asked_must_be_set_so(writer: Proxy) -> None:
    """The hint names the setting."""
    writer.plan = ["lost"]
    with pytest.raises(ServiceError, match="does not say what it holds") as raised:
        bucket().send(parcel_of(b"ours"), b"ours")
    assert "s3_write_only" in raised.value.hint


# Large contents

PARTS = bytes(range(256)) * 4096 * 11
"""11 MB, in parts of 5 MB, the least that S3 allows."""
LARGE = {"multipart_above": 1 << 20, "part_bytes": 5 << 20}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("harm", ["500", "lost", "reset", "conflict"])
def test_large_contents_go_in_parts(
    proxy: Proxy, bucket_server: BucketServer, harm: str, at: int
) -> None:
    """Begin, three parts, end: whichever is harmed, the whole arrives, and no upload is left."""
    proxy.plan = ["pass"] * at + [harm]
    assert bucket(**LARGE).send(parcel_of(PARTS), PARTS).outcome == "delivered"
    assert proxy.plan == []
    assert bucket_server.objects() == {"k/x.parquet": PARTS}
    left = bucket_server.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    lost_beginning = harm == "lost" and at == 0
    assert len(left) == int(lost_beginning)
    bucket(**LARGE).begin([parcel_of(PARTS)])
    assert not bucket_server.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads")


@pytest.mark.usefixtures("proxy")
def test_large_contents_do_not_replace_a_strangers(bucket_server: BucketServer) -> None:
    """The condition is judged when the parts are put together."""
    bucket_server.client().put_object(Bucket=BUCKET, Key="k/x.parquet", Body=b"theirs")
    assert bucket(**LARGE).send(parcel_of(PARTS), PARTS).outcome == "conflict"
    assert bucket_server.objects() == {"k/x.parquet": b"theirs"}


@pytest.mark.usefixtures("proxy")
def test_only_own_uploads_are_aborted(bucket_server: BucketServer) -> None:
    """Somebody else's, under another key, goes on."""
    client = bucket_server.client()
    for key in ("k/x.parquet", "k/x.parquet.other"):
        client.create_multipart_upload(Bucket=BUCKET, Key=key)
    bucket(**LARGE).begin([parcel_of(PARTS), parcel_of(PARTS, attempts=0, key="k/x.parquet.other")])
    left = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [one["Key"] for one in left] == ["k/x.parquet.other"]
    client.abort_multipart_upload(
        Bucket=BUCKET, Key="k/x.parquet.other", UploadId=left[0]["UploadId"]
    )


def test_timeouts_are_set(proxy: Proxy) -> None:
    """5 seconds to connect, 30 for an answer, and one attempt: what follows is decided here."""
    del proxy
    made = s3._client().meta.config
    assert (made.connect_timeout, made.read_timeout) == (5, 30)
    assert made.retries["total_max_attempts"] == 1


def test_the_server_of_these_tests_keeps_the_rules(bucket_server: BucketServer) -> None:
    """Wrong checksums, wrong secrets and second writers are refused: else nothing is shown here."""
    bucket_server.empty()
    client = bucket_server.client()
    client.put_object(Bucket=BUCKET, Key="a", Body=b"1", IfNoneMatch="*")
    for more, code in (
        ({"Key": "a", "IfNoneMatch": "*"}, "PreconditionFailed"),
        ({"Key": "b", "ChecksumSHA256": "A" * 43 + "="}, "BadDigest"),
    ):
        with pytest.raises(ClientError) as raised:
            client.put_object(Bucket=BUCKET, Body=b"2", **more)
        assert raised.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError):
        bucket_server.client((OWNER[0], "wrong")).head_object(Bucket=BUCKET, Key="a")
    assert bucket_server.objects() == {"a": b"1"}


def test_a_key_that_vanishes_is_tried_again(monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> None:
    """412, and then no such key: somebody removed it meanwhile."""
    del proxy
    made = bucket(retry_seconds=0.0)
    monkeypatch.setattr(made, "_there", lambda _: None)
    with pytest.raises(PassingError, match="was there, and is not"):
        made._settled(parcel_of(b""), b"", repeated=True)
