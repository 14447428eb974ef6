"""A stolen model: opened apart from the application, and what protected its file."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Inputs, Ints
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.evidence import Exhibit
from goalkeeper.core.power import View
from goalkeeper.opening import Refused, Unreadable, load
from goalkeeper.targets import SklearnTarget

PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib")
HEAD_SIZE = 4096  # bytes of a file that are examined
# Bits a byte from which on the first bytes look encrypted or compressed: the entropy estimated
# from 4,096 random bytes is about 8 - 255 / (2 ln 2 * 4096) = 7.96 (bias of Miller 1955).
RANDOM_ENTROPY = 7.8
FORMATS = (
    (b"\x80", "a pickle"),
    (b"PK\x03\x04", "a zip container"),
    (b"\x1f\x8b", "a gzip stream"),
    (b"x\x9c", "a zlib stream"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x08", "an ONNX or other protobuf file"),
    (b"{", "a JSON file"),
)


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A stored model that was opened from a copy of its file."""

    target: SklearnTarget

    def predict(self, x: Inputs) -> Ints:
        """Return the classes `(n,)` of inputs."""
        return self.target.answer(x, View.LABELS).labels


def open_model(
    content: bytes, name: str, classes: tuple[str, ...], domain: Domain
) -> OpenedModel | None:
    """Open the bytes of a stored model; None for formats that goalkeeper cannot open."""
    if Path(name).suffix.lower() not in PICKLE_SUFFIXES:
        return None
    try:
        model = load(content, lenient=True).model
    except (Refused, Unreadable):
        return None
    return OpenedModel(SklearnTarget(model, classes, domain))


def is_trusted(app: Application, content: bytes) -> bool:
    """Return whether these bytes are those of a file that the description names."""
    return hashlib.sha256(content).hexdigest() in app.hashes.values()


def find_stored_file(app: Application) -> Path | None:
    """Return where the model is stored, if a file is known and there."""
    try:
        path = app.target.artefact()
    except NotOffered:
        return None
    return path if path.is_file() else None


def examine_protection(app: Application) -> Exhibit:
    """Describe what someone who copies the model gets, and what protects it."""
    path = find_stored_file(app)
    title = "how the stored model is protected against theft"
    if path is None:
        return Exhibit(
            title=title,
            after="no stored file was given; the parameters were read from the running model",
            note="anyone who can read the model's memory or file needs nothing else",
        )
    mode = path.stat().st_mode
    readers = [who for who, bit in (("its group", stat.S_IRGRP), ("everybody", stat.S_IROTH))
               if mode & bit]  # fmt: skip
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    facts = [
        f"{path.name}: {path.stat().st_size:,} bytes",
        f"readable by its owner{''.join(f', {who}' for who in readers)}",
        _describe_content(head),
        "a copy of the file runs elsewhere: it is bound to no licence and to no device",
    ]
    return Exhibit(
        title=title,
        after="; ".join(facts),
        note="examined on the machine that ran the evaluation; the operator's own storage, backup "
        "and distribution must be looked at there",
    )


def _describe_content(head: bytes) -> str:
    kind = next((name for start, name in FORMATS if head.startswith(start)), "")
    if kind:
        return f"{kind}, not encrypted"
    if head[8:9] == b"{":
        return "a safetensors file, not encrypted"
    return "looks encrypted or compressed" if _entropy(head) > RANDOM_ENTROPY else "not encrypted"


def _entropy(head: bytes) -> float:
    """Return the entropy of bytes, in bits a byte."""
    counts = np.bincount(np.frombuffer(head, dtype=np.uint8), minlength=256)
    share = counts[counts > 0] / max(1, len(head))
    return float(-(share * np.log2(share)).sum())
