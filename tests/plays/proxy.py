"""A server between a client and a real one: it passes requests on, or harms them as it is told."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

HARMS = ("500", "503", "lost", "reset", "truncated", "conflict", "no bucket")
"""``lost``: passed on, and the answer is thrown away; ``reset``: the connection is cut before;
``truncated``: half of the body is passed on."""

_ERRORS = {
    "500": (500, "InternalError"),
    "503": (503, "SlowDown"),
    "conflict": (409, "ConditionalRequestConflict"),
    "no bucket": (404, "NoSuchBucket"),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections are cut here on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle_any(self) -> None:
        """Pass a request on, or harm it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        harm = self.server.proxy.harm_of(self.command, self.path)
        if harm in _ERRORS:
            self._error(*_ERRORS[harm])
        elif harm == "reset":
            self._cut()
        elif harm == "truncated":
            self._pass(body, len(body) // 2)
            self._cut()
        else:
            answer = self._pass(body, len(body))
            if harm == "lost":
                self._cut()
            else:
                self._answer(*answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 - as the library asks

    def _pass(self, body: bytes, size: int) -> tuple[int, list[tuple[str, str]], bytes]:
        target = urlsplit(self.server.proxy.target)
        upstream = http.client.HTTPConnection(str(target.hostname), target.port, timeout=30)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {"expect", "connection"}:
                upstream.putheader(name, value)
        upstream.endheaders()
        upstream.send(body[:size])
        if size < len(body):
            upstream.close()
            return 0, [], b""
        answer = upstream.getresponse()
        found = answer.status, answer.getheaders(), answer.read()
        upstream.close()
        return found

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = dict(headers).get("Content-Length", "0") if self.command == "HEAD" else len(body)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>as told</Message></Error>".encode()
        self._answer(status, [("Content-Type", "application/xml")], text)

    def _cut(self) -> None:
        """Reset the connection: the client sees no end, but an error."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


class Proxy:
    """A proxy to ``target``. `plan` says what befalls the coming requests, the first first."""

    def __init__(self, target: str) -> None:
        """Start it."""
        self.target = target
        self.plan: list[str] = []
        self.seen: list[tuple[str, str]] = []
        self.heard: Callable[[str, str], object] = lambda _method, _path: None
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def harm_of(self, method: str, path: str) -> str:
        """What is to befall a request; it is remembered."""
        self.seen.append((method, path))
        self.heard(method, path)
        return self.plan.pop(0) if self.plan else "pass"

    def reset(self) -> None:
        """As if new."""
        self.plan, self.seen = [], []
        self.heard = lambda _method, _path: None

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
