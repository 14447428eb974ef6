"""What a described application checks before it uses its stored model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from goalkeeper.describe.document import Key
from goalkeeper.describe.references import References

KEY: Key = ("model", "integrity")


@dataclass(frozen=True, eq=False)
class Protection:
    """What is checked at start, in words (empty: nothing), and the check itself."""

    words: str
    check: Callable[[Path], bool]


def protection(references: References, declared: str | None, digest: str) -> Protection:
    """Return the declared check; `digest` is the hash of the genuine file."""
    if declared in (None, "none"):
        return Protection("", _accept)
    if declared == "sha256":
        return Protection("sha256", partial(_compare_hash, digest))
    reference = str(declared)
    return Protection(reference, partial(_ask_function, references, reference))


def _accept(path: Path) -> bool:
    return True


def _compare_hash(digest: str, path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _ask_function(references: References, reference: str, path: Path) -> bool:
    return bool(references.function(KEY, reference)(path))
