"""Delivery to an S3 bucket: each key is written once, and never twice with different bytes.

``If-None-Match: *`` makes the server refuse (412) what is there already. A PUT whose answer was
lost is refused in the same way when it is sent again, although the bytes are ours; so a 412 is
settled by asking for the digest that every object of ours has in its metadata.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from feedengine.errors import PassingError, ServiceError
from feedengine.patience import patiently
from feedengine.plays.carriers import NotSentError, Sent
from feedengine.store.parcels import Parcel

DIGEST = "feedengine-sha256"
"""The metadata that holds an object's SHA-256."""

CONNECT_SECONDS, READ_SECONDS = 5, 30
MULTIPART_ABOVE = 64 * 1024 * 1024
PART_BYTES = 16 * 1024 * 1024

_CREDENTIALS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "AccessDenied",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "RequestTimeTooSkewed",
    "403",
}
_BUCKET = {"NoSuchBucket", "InvalidBucketName", "PermanentRedirect", "301"}


class Bucket:
    """A bucket as a way out."""

    repeatable = True

    def __init__(
        self,
        bucket: str,
        prefix: str,
        way: str,
        *,
        write_only: bool = False,
        retry_seconds: float = 120.0,
        said: Callable[[str], None] = lambda _: None,
        pause: Callable[[float], None] = time.sleep,
        multipart_above: int = MULTIPART_ABOVE,
        part_bytes: int = PART_BYTES,
    ) -> None:
        """``bucket`` with keys below ``prefix``; account, region and server as AWS's own tools do.

        ``write_only``: the bucket does not answer HEAD. Raises `NotSentError` without credentials.
        """
        self.bucket = bucket
        self.prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        self.way = way
        self.write_only = write_only
        self.retry_seconds = retry_seconds
        self.said, self.pause = said, pause
        self.multipart_above = multipart_above
        self.part_bytes = part_bytes
        self._client = _client()

    def key(self, parcel: Parcel) -> str:
        """A parcel's key in the bucket."""
        return self.prefix + parcel.key

    def begin(self, waiting: Sequence[Parcel], /) -> None:
        """Abort the multipart uploads that earlier attempts at these parcels have left behind."""
        for parcel in waiting:
            if parcel.attempts and parcel.size > self.multipart_above:
                with suppress(ServiceError):  # a bucket that is only written to will not list them
                    self._asked(self._abort_old, self.key(parcel))

    def _abort_old(self, key: str) -> None:
        found = self._client.list_multipart_uploads(Bucket=self.bucket, Prefix=key)
        for one in found.get("Uploads", ()):
            if one["Key"] == key:
                self._client.abort_multipart_upload(
                    Bucket=self.bucket, Key=key, UploadId=one["UploadId"]
                )

    def send(self, parcel: Parcel, content: bytes, /) -> Sent:
        """Put a parcel where its key says; raises `ServiceError` when the bucket does not take it.

        ``conflict``: the key holds other bytes, which are left alone.
        """
        tries = 0

        def once() -> Sent:
            nonlocal tries
            tries += 1
            repeated = tries > 1 or parcel.attempts > 1
            sent: Sent = self._asked(self._once, parcel, content, repeated)
            return sent

        return patiently(once, self.retry_seconds, lambda: 0, self.said, self.pause)

    def _once(self, parcel: Parcel, content: bytes, repeated: bool) -> Sent:  # noqa: FBT001 - as said
        from botocore.exceptions import ClientError

        try:
            self._put(parcel, content, {"IfNoneMatch": "*"})
        except ClientError as error:
            if _code(error) not in {"PreconditionFailed", "412"}:
                raise
            return self._settled(parcel, content, repeated=repeated)
        return Sent("delivered")

    def _settled(self, parcel: Parcel, content: bytes, *, repeated: bool) -> Sent:
        """The key is taken: by us, in an attempt whose answer was lost, or by somebody else."""
        if self.write_only:
            if not repeated:
                return Sent("conflict", f"{self.key(parcel)} is taken by somebody else's file")
            self._put(parcel, content, {})  # the very bytes that are there, if they are ours
            return Sent("delivered")
        there = self._there(parcel)
        if there is None:
            raise PassingError(f"{self.key(parcel)} was there, and is not")
        if there:
            return Sent("delivered")
        return Sent("conflict", f"{self.key(parcel)} holds other bytes than ours")

    def _put(self, parcel: Parcel, content: bytes, condition: dict[str, str]) -> None:
        if len(content) > self.multipart_above:
            self._put_parts(parcel, content, condition)
            return
        self._client.put_object(
            Bucket=self.bucket,
            Key=self.key(parcel),
            Body=content,
            ChecksumSHA256=_base64(content),
            Metadata={DIGEST: parcel.digest},
            **condition,
        )

    def _put_parts(self, parcel: Parcel, content: bytes, condition: dict[str, str]) -> None:
        """A large content in parts; the condition is judged when they are put together."""
        place = {"Bucket": self.bucket, "Key": self.key(parcel)}
        begun = self._client.create_multipart_upload(
            **place, ChecksumAlgorithm="SHA256", Metadata={DIGEST: parcel.digest}
        )
        place["UploadId"] = begun["UploadId"]
        try:
            parts = [
                self._part(place, number, content[at : at + self.part_bytes])
                for number, at in enumerate(range(0, len(content), self.part_bytes), 1)
            ]
            self._client.complete_multipart_upload(
                **place, MultipartUpload={"Parts": parts}, **condition
            )
        except Exception:
            with suppress(Exception):  # what is told is the failure itself
                self._client.abort_multipart_upload(**place)
            raise

    def _part(self, place: dict[str, str], number: int, content: bytes) -> dict[str, Any]:
        checksum = _base64(content)
        sent = self._client.upload_part(
            **place, PartNumber=number, Body=content, ChecksumSHA256=checksum
        )
        return {"ETag": sent["ETag"], "PartNumber": number, "ChecksumSHA256": checksum}

    def there(self, parcel: Parcel, /) -> bool | None:
        """Whether a parcel has arrived; None when the bucket may not be asked."""
        if self.write_only:
            return None
        return patiently(
            lambda: self._asked(self._there, parcel) or False,
            self.retry_seconds,
            lambda: 0,
            self.said,
            self.pause,
        )

    def _there(self, parcel: Parcel) -> bool | None:
        """Whether the key holds our bytes; None when it holds nothing."""
        from botocore.exceptions import ClientError

        try:
            found = self._client.head_object(Bucket=self.bucket, Key=self.key(parcel))
        except ClientError as error:
            if _code(error) in {"404", "NoSuchKey", "NotFound"}:
                return None
            if _code(error) in {"403", "AccessDenied"}:
                message = f"the bucket {self.bucket} does not say what it holds"
                hint = "set s3_write_only, or ask for the right to read (HEAD)"
                raise ServiceError(message, hint) from error
            raise
        same: bool = found.get("Metadata", {}).get(DIGEST) == parcel.digest
        return same

    def _asked(self, call: Callable[..., Any], *given: Any) -> Any:
        """What the server answers; its failures as the operator's."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call(*given)
        except ClientError as error:
            raise self._refused(error) from error
        except BotoCoreError as error:
            raise _unreached(error) from error

    def _refused(self, error: Any) -> ServiceError:
        code, status = _code(error), error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        said = f"{code}: {error.response['Error'].get('Message') or 'no reason given'}"
        if code in _BUCKET:
            message = f"there is no bucket {self.bucket} at this server ({said})"
            return NotSentError(message, "see `feedengine config` for s3_bucket, and AWS_REGION")
        if code in _CREDENTIALS:
            message = f"the bucket {self.bucket} refuses these credentials ({said})"
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as the recipient gave them"
            return NotSentError(message, hint)
        if status >= 500 or status == 429 or code in _PASSING:
            return PassingError(f"the bucket {self.bucket} failed ({said})", _AGAIN)
        message = f"the bucket {self.bucket} does not take the file ({said})"
        return ServiceError(message, "ask the recipient; nothing is lost")


_PASSING = {
    "ConditionalRequestConflict",
    "RequestTimeout",
    "SlowDown",
    "BadDigest",
    "XAmzContentChecksumMismatch",
    "IncompleteBody",
    "NoSuchUpload",
    "OperationAborted",
    "InvalidPart",
    "XAmzContentSHA256Mismatch",
}
_AGAIN = "nothing is lost; deliver again"


def _unreached(error: Any) -> ServiceError:
    kind = type(error).__name__
    if kind in {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"}:
        return _without_credentials(error)
    passing = {"HTTPClientError", "ConnectionError", "IncompleteReadError"}
    if passing & {one.__name__ for one in type(error).__mro__}:
        return PassingError(f"the S3 server does not answer: {error}", _AGAIN)
    return NotSentError(f"the S3 server cannot be asked: {error}", "see AWS_ENDPOINT_URL")


def _without_credentials(error: object) -> NotSentError:
    hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as the recipient gave them"
    return NotSentError(f"there are no AWS credentials: {error}", hint)


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _base64(content: bytes) -> str:
    return base64.b64encode(sha256(content).digest()).decode()


def _client() -> Any:
    """A client that tries once: what is repeated, and when, is decided here."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            raise _without_credentials("none are set")
        return session.client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise _unreached(error) from error
