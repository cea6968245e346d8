"""An endpoint that behaves, and misbehaves, like the recipient's: it keeps what it has saved."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, SECRET = "our key", "our secret & more"


class _Validator(RequestValidator):
    """Two-legged: one consumer, and no nonce twice."""

    enforce_ssl = False
    client_key_length = (3, 30)
    nonce_length = (10, 40)
    safe_characters = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()

    @property
    def dummy_client(self) -> str:
        return "dummy"

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        del request
        return client_key == KEY

    def get_client_secret(self, client_key: str, request: Any) -> str:
        del request, client_key
        return SECRET

    def validate_timestamp_and_nonce(
        self, client_key: str, timestamp: str, nonce: str, request: Any, **_: Any
    ) -> bool:
        del client_key, timestamp, request
        fresh = nonce not in self.nonces
        self.nonces.add(nonce)
        return fresh


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    recipient: Recipient

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections are cut here on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Save, or misbehave."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.recipient.answer(self, body)


def reply(handler: _Handler, status: int, body: bytes = b"", *, size: int | None = None) -> None:
    """Answer; with ``size`` more is announced than comes."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if size is None else size))
    handler.end_headers()
    handler.wfile.write(body)
    if size is not None:
        handler.close_connection = True


def cut(handler: _Handler) -> None:
    """Reset the connection."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


class Recipient:
    """``plan`` says what befalls the coming requests, the first first; then they are saved.

    Words: a status (``"503"``), ``lost`` (saved, no answer), ``reset`` (not saved), ``half``
    (saved, half an answer), ``slow`` (saved after a while), ``error 200`` (not saved); or a
    function.
    """

    def __init__(self) -> None:
        """Start it."""
        self.plan: list[str | Callable[[_Handler, bytes], None]] = []
        self.saved: list[dict[str, str]] = []
        self.requests: list[tuple[float, str, bytes, dict[str, str]]] = []
        self.invalid: Callable[[dict[str, str]], str | None] = lambda _: None
        self.index_base = 0
        self.check_signature = True
        self._validator = _Validator()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.recipient = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/1.2/log"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, handler: _Handler, body: bytes) -> None:
        """One request."""
        with self._lock:
            self.requests.append(
                (time.monotonic(), handler.path, body, dict(handler.headers.items()))
            )
            word = self.plan.pop(0) if self.plan else "save"
        if callable(word):
            word(handler, body)
        elif word == "reset":
            cut(handler)
        elif word == "error 200":
            reply(handler, 200, b'{"status":"error","error":{"code":"9001","message":"no"}}')
        elif word.isdigit():
            reply(handler, int(word), b"<html>no</html>")
        else:
            self._judge(handler, body, word)

    def _judge(self, handler: _Handler, body: bytes, word: str) -> None:
        if self.check_signature and not self._signed(handler):
            reply(handler, 401, b'{"error":{"code":"401","errorMessage":"bad signature"}}')
            return
        items = json.loads(body)["playLogItem"]
        wrong = [(at, why) for at, item in enumerate(items) if (why := self.invalid(item))]
        if wrong:
            told = [{"index": at + self.index_base, "errorMessage": why} for at, why in wrong]
            error = {"code": 1008, "message": "One or more logs are invalid", "errors": told}
            reply(handler, 400, json.dumps({"status": "error", "error": error}).encode())
            return
        with self._lock:
            self.saved += items
        if word == "lost":
            cut(handler)
        elif word == "half":
            reply(handler, 200, b'{"sta', size=100)
        elif word == "slow":
            time.sleep(1.2)
            reply(handler, 200, b"{}")
        else:
            reply(handler, 200, b'{"status":"ok"}')

    def _signed(self, handler: _Handler) -> bool:
        uri = f"http://{handler.headers['Host']}{handler.path}"
        headers = {"Authorization": handler.headers["Authorization"]}
        judge = SignatureOnlyEndpoint(self._validator)
        return bool(judge.validate_request(uri, "POST", None, headers)[0])

    def queries(self) -> list[dict[str, str]]:
        """The query of each request."""
        return [dict(parse_qsl(urlsplit(path).query)) for _, path, _, _ in self.requests]

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
