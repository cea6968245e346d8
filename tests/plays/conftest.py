"""A real S3 server for the session, and a proxy before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .bucket_server import OWNER, BucketServer
from .proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[BucketServer]:
    """An S3 server of the session's own."""
    made = BucketServer()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def _proxy(bucket_server: BucketServer) -> Iterator[Proxy]:
    made = Proxy(bucket_server.url)
    yield made
    made.stop()


@pytest.fixture
def proxy(
    _proxy: Proxy, bucket_server: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    """A proxy before the server, which AWS's own variables name; the bucket is empty."""
    bucket_server.empty()
    _proxy.reset()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", _proxy.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWNER[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OWNER[1])
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    yield _proxy
    _proxy.reset()
