"""A trained scikit-learn model as `skops.io.dump` writes it: an archive without pickles."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.usercode import name_error, passes, user_code
from goalkeeper.describe.kinds._archives import entries
from goalkeeper.describe.kinds._estimators import loaded
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile
from goalkeeper.describe.problems import problem

SCHEMA = "schema.json"


class SkopsModel(FileKind):
    """`model.file` is a skops archive: it builds only types that skops or the user trusts."""

    about = "a scikit-learn model stored by skops"
    advice = (
        "store a trained scikit-learn classifier with skops.io.dump, and list its classes in "
        "`classes`"
    )

    def recognises(self, file: ModelFile) -> bool:
        """Look for the schema."""
        return SCHEMA in entries(file)

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Build the estimator of types that are trusted; others are named."""
        content, name = file.read(), file.path.name
        trusted = context.form.trust_names
        unknown = sorted(set(_untrusted(content, name)) - set(trusted))
        if unknown:
            names = ", ".join([*trusted, *unknown])
            raise problem(
                context.references.document,
                ("model", "file"),
                f"{name} builds objects of types that are not trusted: {', '.join(unknown)}",
                expected="types of scikit-learn, NumPy and SciPy, and those in model.trust_names",
                given=f"{len(unknown)} other types; nothing was built",
                advice=f"if you know where {name} comes from and what these types do, add under "
                f"model: `trust_names: [{names}]`",
            )
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            estimator = _built(content, name, trusted)
        lines = {str(w.message).splitlines()[0][:300] for w in seen}
        notes = [f"loading {name}: {line}" for line in sorted(lines)]
        return loaded(estimator, file, context, partial(_read, trusted), _dump, notes)


def _untrusted(content: bytes, name: str) -> Iterable[str]:
    """List the types that the archive builds and skops does not trust by itself."""
    io = _need_skops()
    try:
        return list(io.get_untrusted_types(data=content))
    except (zipfile.BadZipFile, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise TargetError(f"skops cannot read {name}: {type(error).__name__}: {error}") from error


def _built(content: bytes, name: str, trusted: Iterable[str]) -> Any:
    io = _need_skops()
    try:
        with user_code(Activity.IMPORT, f"model.file {name}"):
            return io.loads(content, trusted=list(trusted))
    except BaseException as error:  # constructors of the user's own types may raise anything
        if passes(error):
            raise
        raise TargetError(f"skops cannot load {name}: {name_error(error)}") from error


def _read(trusted: Iterable[str], path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shown once, when the genuine file was loaded
        return _built(path.read_bytes(), path.name, trusted)


def _dump(model: Any) -> bytes:
    content: bytes = _need_skops().dumps(model)
    return content


def _need_skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise MissingExtra("skops", "skops") from error
    return skops.io
