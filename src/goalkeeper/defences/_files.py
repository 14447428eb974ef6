"""The check of a stored model, when the model becomes another one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from goalkeeper.core.application import Storage

Check = Callable[[Path], bool]


def hash_check(content: bytes) -> Check:
    """Return a check that takes no file but one with this content."""
    return partial(_has_hash, hashlib.sha256(content).hexdigest())


def renewed_check(storage: Storage, content: bytes) -> Check:
    """Return the check of an application whose model file gets another content.

    A check that takes the new file is the same as before. One that knows the content of the old
    file, as a comparison of hashes does, learns that of the new one, as it has to in use.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"model{storage.suffix}"
        path.write_bytes(content)
        try:
            taken = storage.check(path)
        except Exception:  # noqa: BLE001 - the user's own check may raise anything: a refusal
            taken = False
    return storage.check if taken else hash_check(content)


def _has_hash(digest: str, path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == digest
