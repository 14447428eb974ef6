"""A trained scikit-learn model in a pickle or joblib file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from goalkeeper.core.application import Target
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.power import View
from goalkeeper.core.usercode import name_error, passes, user_code
from goalkeeper.describe.document import Document
from goalkeeper.describe.kinds._frames import (
    domain_of,
    refuse_no_classifier,
    unseen_columns,
    with_words_or_categories,
)
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile
from goalkeeper.describe.problems import problem

SAMPLE = 4  # inputs by which it is found out what kind of table the model takes
# Pickles of protocol 2 and later, and what joblib compresses: zlib, gzip, bz2, xz, lz4.
STARTS = (b"\x80", b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x04\x22M\x18")


class SklearnPickle(FileKind):
    """`model.file` is a pickle: it is scanned for code, and opened only if the user trusts it."""

    about = "a pickle or joblib file of a trained scikit-learn model"
    advice = "store a trained scikit-learn classifier, and list its classes in `classes`"
    runs_code = True
    fallback = True  # a single letter x in front makes a zlib file

    def recognises(self, file: ModelFile) -> bool:
        """Look at the first bytes."""
        return file.head.startswith(STARTS)

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Scan the pickle, then open it."""
        from goalkeeper.targets import SklearnTarget
        from goalkeeper.training import SklearnTrainer
        from goalkeeper.training.recipes import fresh_copy

        model, caveats = _unpickle(file, context.references.document)
        refuse_no_classifier(model)
        sample = context.splits.holdout.x[:SAMPLE]

        def tried(domain: Domain) -> SklearnTarget:
            target = SklearnTarget(model, context.classes, domain, file.path)
            target.answer(sample, View.LABELS)
            return target

        domain = domain_of(model, context.domain)
        target, domain, notes = with_words_or_categories(domain, tried)
        caveats = (*caveats, *notes, *unseen_columns(model, domain))
        trainer = None
        if hasattr(model, "get_params"):
            fresh = fresh_copy(model)
            trainer = SklearnTrainer(fresh, context.classes, domain, compute=context.compute)
        else:
            caveats = (*caveats, "the stored model cannot be retrained")
        wrap = partial(SklearnTarget, classes=context.classes, domain=domain)
        load = partial(_load_quietly, wrap)
        return Model(
            target=target,
            trainer=trainer,
            domain=domain,
            compute=context.cpu_settings,
            caveats=caveats,
            storage=context.storage(file, load, runs_code=True, save=_dump),
        )


def _unpickle(file: ModelFile, document: Document) -> tuple[Any, tuple[str, ...]]:
    """Return the model, and what scanning and opening the file showed."""
    import joblib

    content, name = file.read(), file.path.name
    scanned = _scan(content, name, document)
    try:
        with (
            user_code(Activity.IMPORT, f"model.file {name}"),
            warnings.catch_warnings(record=True) as seen,
        ):
            warnings.simplefilter("always")
            model = joblib.load(io.BytesIO(content))
    except BaseException as error:
        if passes(error):
            raise
        raise problem(
            document,
            ("model", "file"),
            f"{name} cannot be loaded: {name_error(error)}",
            expected="a model stored with joblib.dump(model, file) or pickle.dump",
            advice="install the packages and versions the model was stored with, or store it again",
        ) from error
    lines = {str(w.message).splitlines()[0][:300] for w in seen}
    return model, (scanned, *(f"loading {name}: {line}" for line in sorted(lines)))


def _scan(content: bytes, name: str, document: Document) -> str:
    """Look for hidden code before the file is loaded, and say what was found."""
    from goalkeeper.targets.unpickling import scan

    found = scan(content)
    if found.dangerous or found.problems:
        raise problem(
            document,
            ("model", "file"),
            f"{name} cannot be loaded safely: {found.describe()}",
            expected="a pickle that names classes of models and arrays only",
            given=f"a {found.form}; it was read, but nothing in it was run",
            advice="find out where this file comes from, and store the model again; if it "
            "must be so, load it in a Python function of your own (model.function)",
        )
    return f"{name} was scanned before it was loaded: {found.describe()}"


def _load_quietly(wrap: Callable[[Any], Target], path: Path) -> Target:
    import joblib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shown once, when the genuine file was loaded
        return wrap(joblib.load(path))


def _dump(target: Target) -> bytes:
    import joblib

    model = getattr(target, "model", None)
    if model is None:
        raise NotOffered("another model cannot be stored in the format of this one")
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()
