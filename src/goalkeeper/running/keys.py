"""What identifies a result beyond its unit: the code it ran, and what the model answers."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from goalkeeper.assessing import Session
from goalkeeper.compute.threads import one_thread
from goalkeeper.core.application import Application
from goalkeeper.core.asking import again
from goalkeeper.core.power import View
from goalkeeper.planning import Unit

PROBES = 64  # inputs that the model is asked about, to know it again
DIGITS = 6  # of a score: the last ones differ between processors


def store_key(session: Session) -> Callable[[Unit], str]:
    """Return what gives the key of a unit in the store.

    A unit's id has the hash of each file that the description names. The store outlives the
    folder, so it also asks what these files import from beside them, and what the model answers.
    """
    if session.store is None:
        return lambda unit: unit.id
    behaviour = f"{_hash_imported(session.description)} {hash_answers(session.app)}"
    digest = hashlib.sha256(behaviour.encode()).hexdigest()
    return lambda unit: f"{unit.id} {digest}"


def _hash_imported(description: Path | None) -> str:
    """Hash the Python files beside the description that are loaded now."""
    if description is None:
        return ""
    folder, found = description.parent.resolve(), {}
    for module in list(sys.modules.values()):
        path = Path(getattr(module, "__file__", None) or ".").resolve()
        if folder in path.parents and "site-packages" not in path.parts and path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()


def hash_answers(app: Application) -> str:
    """Hash what the model answers to some inputs; scores to six digits."""
    view = min(app.target.offers, View.SCORES)
    with one_thread():
        answers = again(app.target, None).answer(app.data.holdout.x[:PROBES], view)
    labels = np.ascontiguousarray(answers.labels).tobytes()
    scores = b"" if view is not View.SCORES else (np.round(answers.scores, DIGITS) + 0.0).tobytes()
    return hashlib.sha256(labels + scores).hexdigest()
