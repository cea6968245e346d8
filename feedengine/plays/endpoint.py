"""Delivery to the recipient's endpoint: signed JSON requests, each of which is saved whole or not.

Nothing but an answer tells whether a request was saved: any status but 200 means that it was not.
A request whose answer is lost is *in doubt*, and is not sent again unless the settings say so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from feedengine.errors import PassingError, UsageError
from feedengine.patience import patiently
from feedengine.plays.answers import INVALID_ITEMS, Complaint, complaint_of
from feedengine.plays.carriers import NotSentError, NotSentYetError, Refusal, Sent
from feedengine.plays.pace import Pace
from feedengine.store.parcels import Parcel

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS, READ_SECONDS = 5, 30
ANSWER_SECONDS = 60
"""An answer that drips for longer is taken for lost."""

LARGEST_ANSWER = 1024 * 1024


class Endpoint:
    """The endpoint as a way out; a context manager, because it keeps a connection."""

    repeatable = False

    def __init__(
        self,
        url: str,
        key: str,
        secret: str,
        way: str,
        *,
        country: str = "GB",
        in_doubt: Literal["hold", "retry"] = "hold",
        index_base: int = 0,
        retry_seconds: float = 120.0,
        said: Callable[[str], None] = lambda _: None,
        pause: Callable[[float], None] = time.sleep,
        pace: Pace | None = None,
    ) -> None:
        """``url`` is the complete address; raises `UsageError` when it is none."""
        self.url = with_country(url, country)
        self.key, self.secret, self.way = key, secret, way
        self.in_doubt = in_doubt
        self.index_base = index_base
        self.retry_seconds = retry_seconds
        self.said, self.pause = said, pause
        self.pace = pace or Pace()
        self._client: httpx2.Client | None = None

    def __enter__(self) -> Self:
        """The endpoint itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    def begin(self, waiting: Sequence[Parcel], /) -> None:
        """The process before this one may have sent its ten requests just now."""
        del waiting
        self.pace.full()

    def _opened(self) -> httpx2.Client:
        if self._client is None:
            import httpx2  # 70 ms

            timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
            self._client = httpx2.Client(timeout=timeout, follow_redirects=False)
        return self._client

    def there(self, parcel: Parcel, /) -> bool | None:
        """Nobody but the answer tells."""
        del parcel
        return None

    def send(self, parcel: Parcel, content: bytes, /) -> Sent:
        """Send a request; raises `NotSentError` when nothing was saved and no other will be."""
        lost: list[str] = []

        def once() -> Sent:
            try:
                status, body = self._asked(content)
            except PassingError:
                raise
            except _lost_answers() as error:
                message = f"the answer was lost ({type(error).__name__}: {error})"
                return self._doubted(message, lost)
            if status == 200 and body is None:
                return self._doubted("the answer 200 broke off", lost)
            return self._told(status, body, parcel, lost)

        try:
            return patiently(once, self.retry_seconds, lambda: 0, self.said, self.pause)
        except NotSentError:
            if lost:
                return Sent("in-doubt", lost[-1])
            raise
        except PassingError as error:
            return Sent("in-doubt", str(error))

    def _doubted(self, message: str, lost: list[str]) -> Sent:
        if self.in_doubt == "retry":
            lost.append(message)
            raise PassingError(message)
        return Sent("in-doubt", message)

    def _asked(self, content: bytes) -> tuple[int, bytes | None]:
        """Status and body of one answer; the body is None when it broke off."""
        import httpx2

        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers["Authorization"] = signed(self.url, self.key, self.secret)
        self.pace.wait()
        try:
            asked = self._opened().stream("POST", self.url, content=content, headers=headers)
            with asked as answer:
                return answer.status_code, _body(answer)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            message = f"the endpoint cannot be reached: {error}"
            raise NotSentYetError(message, "see `feedengine config` for endpoint_url") from error
        finally:
            self.pace.answered()

    def _told(self, status: int, body: bytes | None, parcel: Parcel, lost: list[str]) -> Sent:
        """What an answer says of a request."""
        complaint = complaint_of(body or b"")
        if complaint is not None and complaint.code == INVALID_ITEMS:
            return self._refused(complaint, parcel.plays)
        if status == 200:
            if complaint is None:
                return Sent("delivered")
            told = f"answered 200 with error {complaint.code}: {complaint.message}"
            return self._doubted(told, lost)
        why = f" ({complaint.code}: {complaint.message})" if complaint else ""
        if status in {401, 403}:
            message = f"the endpoint refuses the consumer key, or the signature: {status}{why}"
            hint = "see endpoint_consumer_key and endpoint_consumer_secret, and the machine's clock"
            raise NotSentError(message, hint)
        if status >= 500 or status in {408, 425, 429}:
            raise NotSentYetError(f"the endpoint answered {status}{why}", "deliver again later")
        if status in {404, 405, 410} or status < 400:
            message = f"there is no endpoint at this address: it answered {status}{why}"
            raise NotSentError(message, "endpoint_url is the complete address of the endpoint")
        return Sent("refused", f"the endpoint answered {status}{why}")

    def _refused(self, complaint: Complaint, items: int) -> Sent:
        """Error 1008: the items that it names; the whole request when it names none, or others."""
        rows = [(index - self.index_base, reason) for index, reason in complaint.items]
        strange = [row + self.index_base for row, _ in rows if not 0 <= row < items]
        if not rows or strange:
            named = f"index {strange[0]} of {items} items" if strange else "no index"
            message = f"error 1008 names {named}: {complaint.message}"
            return Sent("refused", f"{message} (see endpoint_index_base)")
        refusals = (Refusal(row, complaint.code, reason) for row, reason in rows)
        return Sent("refused", complaint.message, tuple(refusals))


def _lost_answers() -> type[Exception]:
    import httpx2

    return httpx2.TransportError


def _body(answer: Any) -> bytes | None:
    """An answer's body, up to 1 MB; None when it breaks off or takes too long."""
    import httpx2

    until, found = time.monotonic() + ANSWER_SECONDS, bytearray()
    try:
        for some in answer.iter_bytes():
            found += some
            if len(found) > LARGEST_ANSWER:
                break
            if time.monotonic() > until:
                return None
    except (httpx2.TransportError, httpx2.DecodingError):
        return None
    return bytes(found)


def with_country(url: str, country: str) -> str:
    """The address with ``country`` in its query, unless it names one already."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise UsageError("endpoint_url is no address", "give it as https://host/path")
    query = parse_qsl(parts.query, keep_blank_values=True)
    if "country" not in dict(query):
        query.append(("country", country.upper()))
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def signed(url: str, key: str, secret: str, **fixed: str) -> str:
    """The header ``Authorization`` of a POST: OAuth 1.0a, two-legged, HMAC-SHA1 (RFC 5849).

    A JSON body is not part of the signature, and has no ``oauth_body_hash``. ``fixed`` are
    ``nonce`` and ``timestamp``, for tests.
    """
    from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, Client

    client = Client(key, client_secret=secret, signature_method=SIGNATURE_HMAC_SHA1, **fixed)
    headers: dict[str, str] = client.sign(url, "POST")[1]
    return headers["Authorization"]
