"""Serve an example's model over HTTP, on this machine only, with faults if wanted."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from goalkeeper.core.errors import DescriptionError
from goalkeeper.examples import write_example

SERVED = ("spam-filter",)  # examples whose inputs are texts
FAULTS = ("drop", "429", "503", "slow", "malformed")
ADDRESS = "127.0.0.1"
LONGEST_BODY = 16 * 2**20  # bytes
PAUSE = 0.2  # seconds that a slow reply takes longer
TRAINED = 0.4  # share of the records that the served model is trained on
HEADER = "# The model is not here: `goalkeeper serve-example` answers for it as long as it runs.\n"


def parse_faults(text: str) -> dict[str, float]:
    """Read faults such as `drop=0.05,429=0.1`; raises DescriptionError."""
    found: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            share = float(value)
        except ValueError:
            share = -1.0
        if name not in FAULTS or not 0 <= share <= 1:
            raise DescriptionError(
                "a fault cannot be parsed",
                key="--faults",
                expected=f"NAME=SHARE, NAME one of {', '.join(FAULTS)}, SHARE from 0 to 1",
                given=part,
                advice="write e.g. --faults drop=0.05,429=0.1",
            )
        found[name] = share
    if sum(found.values()) > 1:
        raise DescriptionError(
            "the shares of faults sum to more than 1", key="--faults", given=text
        )
    return found


@dataclass(frozen=True, eq=False)
class ServedExample:
    """A model that answers texts, and the faults of its service.

    Parameters
    ----------
    model
        A fitted estimator with `predict_proba`.
    faults
        Share of the requests that each fault hits, drawn by the number of the request.
    """

    model: Any
    faults: Mapping[str, float] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self) -> str:
        """Count a request, and return its fault; empty for none."""
        number = self.seen.total()
        draw = float(np.random.default_rng([0, number]).random())
        for name, share in self.faults.items():
            if (draw := draw - share) < 0:
                self.seen[name] += 1
                return name
        self.seen["answered"] += 1
        return ""

    def answers(self, body: bytes) -> list[dict[str, float]]:
        """Answer a request; raises ValueError where it is none."""
        texts = json.loads(body)["texts"]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError("texts must be a list of texts")
        if not texts:
            return []
        names = [str(name) for name in self.model.classes_]
        rows = self.model.predict_proba(texts).tolist()
        return [dict(zip(names, row, strict=True)) for row in rows]


def write_served(name: str, folder: Path, port: int, *, size: int | None = None) -> Any:
    """Write an application file that asks the service, and its data; return the fitted model.

    Raises
    ------
    DescriptionError
        There is no such example to serve, or a file of it already exists in the folder.
    """
    from goalkeeper.describe.references import load_function

    if name not in SERVED:
        raise DescriptionError(
            f"there is no example called {name} to serve",
            expected="one of " + ", ".join(SERVED),
            given=name,
        )
    path = write_example(name, folder, size=size)
    described = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = list(csv.DictReader(io.StringIO((folder / "mail.csv").read_text(encoding="utf-8"))))
    split = int(TRAINED * len(rows))
    for file, part in (("train.csv", rows[:split]), ("test.csv", rows[split:])):
        with (folder / file).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(part)
    build = load_function(folder / "filter.py", "build")
    texts, labels = ([row[key] for row in rows[:split]] for key in ("text", "label"))
    model = build().fit(texts, labels)
    for left in ("mail.csv", "filter.py", "truth.json"):
        (folder / left).unlink()
    path.write_text(HEADER + _asking(described, port), encoding="utf-8")
    return model


def _asking(described: dict[str, Any], port: int) -> str:
    """Turn the example's application file into one that asks the service."""
    for key in ("feedback", "system"):  # it is trained elsewhere, and its code is not here
        described.pop(key, None)
    data = described["data"]
    for key in ("file", "parts"):
        data.pop(key)
    described["data"] = {"train": "train.csv", "test": "test.csv", **data}
    described["model"] = {
        "http": {
            "url": f"http://{ADDRESS}:{port}/predict",
            "request": {"texts": "{inputs}"},
            "response": "predictions[*].scores",
            "timeout": "10 s",
        }
    }
    return yaml.safe_dump(described, sort_keys=False, allow_unicode=True)


def make_server(port: int) -> ThreadingHTTPServer:
    """Bind a port of this machine, 0 for a free one; raises DescriptionError."""
    try:
        return ThreadingHTTPServer((ADDRESS, port), BaseHTTPRequestHandler)
    except OSError as error:
        raise DescriptionError(
            f"port {port} cannot be used ({error.strerror})",
            key="--port",
            advice="choose another one, or 0 for a free one",
        ) from error


def serve(server: ThreadingHTTPServer, example: ServedExample) -> None:
    """Answer requests until the server is shut down."""
    server.RequestHandlerClass = partial(_Handler, example)
    server.daemon_threads = True
    server.serve_forever(poll_interval=0.1)


class _Handler(BaseHTTPRequestHandler):
    """Answers POST /predict, or does what the fault of the request says."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body
    timeout = 60

    def __init__(self, example: ServedExample, *given: Any) -> None:
        self.example = example
        super().__init__(*given)

    def do_POST(self) -> None:
        """Answer a request."""
        size = int(self.headers.get("content-length") or 0)
        if size > LONGEST_BODY or self.path != "/predict":
            self.close_connection = True
            self._send(413 if size > LONGEST_BODY else 404, {"error": "POST /predict"})
            return
        body = self.rfile.read(size)
        with self.example.lock:
            fault = self.example.fault()
        if fault == "drop":
            self.close_connection = True
        elif fault in ("429", "503"):
            self._send(int(fault), {"error": "busy"})
        elif fault == "malformed":
            self._write(200, b'{"predictions": [')
        else:
            if fault == "slow":
                threading.Event().wait(PAUSE)
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        try:
            with self.example.lock:
                rows = self.example.answers(body)
        except (ValueError, KeyError, TypeError):
            self._send(422, {"error": 'send {"texts": [TEXT, ...]}'})
            return
        self._send(200, {"predictions": [{"scores": row} for row in rows]})

    def _send(self, status: int, value: object) -> None:
        self._write(status, json.dumps(value).encode())

    def _write(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the command reports when it ends."""
