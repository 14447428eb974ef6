"""A service on this machine whose faults follow a script: each is for a request by its number."""

from __future__ import annotations

import json
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SLOW = 0.6  # seconds: longer than the time-out of the tests
Answer = Callable[[Any], Any]


def scores(body: Any) -> Any:
    """Answer texts: the length decides, and the scores name the text whose they are."""
    return {"predictions": [score(text) for text in body["inputs"]]}


def score(text: str) -> list[float]:
    """Return two scores that no other short text has."""
    first = zlib.crc32(text.encode()) / 2**32
    return [first, 1 - first]


@dataclass(eq=False)
class Served:
    """What the service saw, counted as it came in.

    `script` maps the number of a request, from 0, to its fault; `always` is the fault of others.
    """

    answer: Answer = scores
    script: Mapping[int, str] = field(default_factory=dict)
    always: str = ""
    seen: int = 0
    processed: int = 0
    inputs: list[list[str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    flying: int = 0
    most: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)

    def begin(self, headers: dict[str, str]) -> str:
        """Count a request and return its fault."""
        with self.lock:
            number, self.seen = self.seen, self.seen + 1
            self.headers.append(headers)
            self.flying += 1
            self.most = max(self.most, self.flying)
            return self.script.get(number, self.always)

    def end(self) -> None:
        with self.lock:
            self.flying -= 1

    def value(self, body: bytes) -> Any:
        """Answer a request, and note its inputs."""
        given = json.loads(body) if body else {}
        with self.lock:
            self.processed += 1
            self.inputs.append(given.get("inputs", []) if isinstance(given, dict) else [])
        return self.answer(given)


@contextmanager
def serving(
    answer: Answer = scores,
    script: Mapping[int, str] | None = None,
    always: str = "",
    certificate: Path | None = None,
) -> Iterator[Served]:
    """Serve on a free port until the block ends."""
    served = Served(answer, script or {}, always)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(served))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    scheme = "http" if certificate is None else "https"
    served.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/predict"
    try:
        yield served
    finally:
        served.stop.set()
        server.shutdown()
        thread.join()
        server.socket.close()


def handler(served: Served) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        timeout = 5

        def do_POST(self) -> None:
            fault = served.begin({k.lower(): v for k, v in self.headers.items()})
            try:
                self.respond(fault)
            except OSError:  # the client has hung up
                self.close_connection = True
            finally:
                served.end()

        do_PATCH = do_POST

        def respond(self, fault: str) -> None:
            kind, _, rest = fault.partition(" ")
            if fault == "drop before":
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if fault.isdigit() or kind == "status":
                status, _, words = (rest or fault).partition(" ")
                self.send(int(status), words.encode() or b'{"error": "no"}')
            elif kind == "wait":
                self.send(429, b"busy", {"Retry-After": rest})
            elif kind == "redirect":
                self.send(307, b"", {"Location": rest})
            else:
                self.spoil(fault, json.dumps(served.value(body)).encode())

        def spoil(self, fault: str, value: bytes) -> None:
            """Send an answer, or what becomes of it."""
            self.close_connection = fault in ("drop after", "truncated", "garbage")
            if fault == "slow":
                served.stop.wait(SLOW)
            if fault == "drip":
                self.drip()
            elif fault == "truncated":
                self.send(200, value[: len(value) // 2], {"Content-Length": str(len(value))})
            elif fault == "garbage":
                self.wfile.write(b"this is no HTTP\r\n\r\n")
            elif fault != "drop after":
                self.send(200, value[:-2] if fault == "malformed" else value)

        def drip(self) -> None:
            """Send a byte now and then, for ever."""
            self.close_connection = True
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while not served.stop.wait(0.02):
                self.wfile.write(b"1\r\n \r\n")
                self.wfile.flush()

        def send(
            self, status: int, content: bytes, headers: Mapping[str, str] | None = None
        ) -> None:
            self.send_response_only(status)
            given = {"Content-Type": "application/json", "Date": formatdate(usegmt=True)}
            for name, value in {
                **given,
                "Content-Length": str(len(content)),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
