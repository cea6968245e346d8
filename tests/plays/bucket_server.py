"""A real S3 server for tests: SeaweedFS from a wheel, with its buckets in a folder of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from typing import Any

BUCKET = "plays"
OWNER = ("OWNER", "the owner's secret")
WRITER = ("WRITER", "the writer's secret")
"""May write to the bucket, but not ask what is in it."""

_IDENTITIES = {
    "identities": [
        {
            "name": "owner",
            "credentials": [{"accessKey": OWNER[0], "secretKey": OWNER[1]}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {
            "name": "writer",
            "credentials": [{"accessKey": WRITER[0], "secretKey": WRITER[1]}],
            "actions": ["Write"],
        },
    ]
}
_PORTS = ("master", "volume", "filer", "s3", "admin")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            found.append(one.getsockname()[1])
        return found


class BucketServer:
    """A server with one bucket, `BUCKET`, two accounts, and the real rules of S3."""

    def __init__(self) -> None:
        """Start it, and wait until it answers."""
        self.folder = Path(tempfile.mkdtemp(prefix="feedengine-s3-"))
        (self.folder / "data").mkdir()
        (self.folder / "s3.json").write_text(json.dumps(_IDENTITIES))
        ports = iter(free_ports(2 * len(_PORTS)))
        flags = []
        for name in _PORTS:
            self.port, grpc = next(ports), next(ports)
            flags += [f"-{name}.port={self.port}", f"-{name}.port.grpc={grpc}"]
            if name == "s3":
                s3 = self.port
        self.port = s3
        weed = Path(sys.executable).parent / "weed"
        command = [weed, "mini", f"-dir={self.folder / 'data'}", *flags]
        more = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.config={self.folder / 's3.json'}"]
        quiet = ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.iam=false"]
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            [*command, *more, *quiet], stdout=self._log, stderr=self._log, cwd=self.folder
        )
        self._wait()

    @property
    def url(self) -> str:
        """What ``AWS_ENDPOINT_URL`` is to be."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, account: tuple[str, str] = OWNER) -> Any:
        """A client of boto3's own, without a second try."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=account[0],
            aws_secret_access_key=account[1],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def _wait(self) -> None:
        client, until = self.client(), time.monotonic() + 60
        while True:
            try:
                client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"")
                client.delete_object(Bucket=BUCKET, Key="ready")
            except (BotoCoreError, ClientError) as error:
                ready = getattr(error, "response", {}).get("Error", {}).get("Code")
                if ready == "BucketAlreadyOwnedByYou":
                    return
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()[-3000:]) from error
                time.sleep(0.1)
            else:
                return

    def objects(self) -> dict[str, bytes]:
        """Everything in the bucket, by its key."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return {key: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}

    def empty(self) -> None:
        """Remove everything from the bucket."""
        client = self.client()
        for key in self.objects():
            client.delete_object(Bucket=BUCKET, Key=key)

    def stop(self) -> None:
        """End it and remove everything."""
        self._process.kill()
        self._process.wait(30)
        self._log.close()
        shutil.rmtree(self.folder)
