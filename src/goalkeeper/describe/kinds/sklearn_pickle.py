"""A trained scikit-learn model in a pickle or joblib file."""

from __future__ import annotations

import importlib
import importlib.util
import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from goalkeeper.core.application import Target
from goalkeeper.core.errors import DescriptionError, NotOffered
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.usercode import name_error, passes, user_code
from goalkeeper.describe.document import Key
from goalkeeper.describe.kinds._estimators import wrap_fitted
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile
from goalkeeper.describe.problems import problem
from goalkeeper.opening import Loaded, Refused, Scan, Unreadable, load, refuse_dangerous, scan

# Pickles of protocol 2 and later, and what joblib compresses: zlib, gzip, bz2, xz, lzma, lz4.
STARTS = (
    b"\x80", b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x5d\x00\x00", b"\x04\x22M\x18",
)  # fmt: skip
OLD_START = re.compile(rb"\(?[ci][A-Za-z_][\w.]*\n\w+\n")  # protocols 0 and 1 begin with a name
FILE: Key = ("model", "file")
NAMES: Key = ("model", "trust_names")
# What is stored instead of a classifier of scikit-learn, and what its predict needs or returns.
NO_CLASSIFIERS = {
    "xgboost.core.Booster": "predict of a Booster of XGBoost needs a DMatrix, not rows; store an "
    "XGBClassifier, or store the Booster with save_model(file.json)",
    "lightgbm.basic.Booster": "predict of a Booster of LightGBM returns probabilities of class 1, "
    "not classes; store an LGBMClassifier",
    "catboost.core.CatBoost": "predict of CatBoost returns margins, not classes; store a "
    "CatBoostClassifier",
}


class SklearnPickle(FileKind):
    """`model.file` is a pickle: only what is on the list of harmless names is made from it."""

    about = "a pickle or joblib file of a trained scikit-learn model"
    advice = "store a trained scikit-learn classifier, and list its classes in `classes`"
    fallback = True  # a single letter x in front makes a zlib file

    def recognises(self, file: ModelFile) -> bool:
        """Look at the first bytes."""
        return file.head.startswith(STARTS) or bool(OLD_START.match(file.head))

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Look into the pickle, then make what is in it, by the same reader."""
        from goalkeeper.targets import SklearnTarget

        model, caveats = _open(file, context)
        _refuse_others(model, file.path.name, context)
        made = wrap_fitted(model, context, file.path)
        wrap = partial(SklearnTarget, classes=context.classes, domain=made.domain)
        load_again = partial(_load_again, wrap, context.form.trust_names)
        return replace(
            made,
            caveats=(*caveats, *made.caveats),
            # The application itself is assumed to open its file by an ordinary reader of pickles.
            storage=context.storage(file, load_again, runs_code=True, save=_dump),
        )


def _open(file: ModelFile, context: ModelContext) -> tuple[Any, tuple[str, ...]]:
    """Return the model, and what looking and loading showed; raises DescriptionError."""
    content, name, trusted = file.read(), file.path.name, context.form.trust_names
    for each in trusted:
        _import(each, context)
    seen = scan(content, name, trusted)
    if seen.verdict != "clean":
        raise _refused(seen, name, context)
    try:
        with user_code(Activity.IMPORT, f"model.file {name}"):
            loaded = load(content, trusted)
    except BaseException as error:
        if passes(error):
            raise
        reason = str(error) if isinstance(error, Refused | Unreadable) else name_error(error)
        raise problem(
            context.references.document,
            FILE,
            f"{name} cannot be loaded: {reason}",
            expected="a model stored with joblib.dump(model, file) or pickle.dump",
            advice="install the packages and versions the model was stored with, or store it again",
        ) from error
    return loaded.model, (
        f"{name} was scanned before it was loaded: {seen.describe()}",
        *(f"loading {name}: {line}" for line in loaded.notes),
    )


def _import(name: str, context: ModelContext) -> None:
    """Import the module of a name of the user's own, also from beside the application file."""
    references, module = context.references, name.rpartition(".")[0]
    try:
        refuse_dangerous(name)
    except Refused as error:
        raise problem(
            references.document, NAMES, str(error), given=name,
            advice="name classes of models and functions on arrays only",
        ) from error  # fmt: skip
    file = references.document.path.parent / f"{module.replace('.', '/')}.py"
    if file.is_file():
        references.note_hash(file, file.relative_to(references.document.path.parent).as_posix())
    with references.running(NAMES, f"importing {module}", Activity.IMPORT):
        importlib.import_module(module)


def _refused(seen: Scan, name: str, context: ModelContext) -> DescriptionError:
    """Say why a file is not loaded, and what to do, by what was found."""
    document = context.references.document
    given = f"a {seen.form}; it was read, but nothing in it was run"
    if seen.verdict == "unreadable":
        return problem(
            document,
            FILE,
            f"{name} cannot be loaded: {seen.describe()}",
            expected="a model stored with joblib.dump(model, file) or pickle.dump",
            given=given,
            advice="store the model again, and copy the whole file",
        )
    if seen.verdict == "unknown" and seen.unknown:
        return problem(
            document,
            FILE,
            f"{name} cannot be loaded: {seen.describe()}",
            expected="a pickle that names classes of models and arrays only",
            given=given,
            advice=_way_to_trust(seen.unknown, document.path.parent),
        )
    return problem(
        document,
        FILE,
        f"{name} cannot be loaded safely: {seen.describe()}",
        expected="a pickle that names classes of models and arrays only",
        given=given,
        advice="find out where this file comes from, and store the model again; if it "
        "must be so, load it in a Python function of your own (model.function)",
    )


def _way_to_trust(names: tuple[str, ...], folder: Path) -> str:
    """Say how names on no list become known."""
    in_script = [name.partition(".")[2] for name in names if name.startswith("__main__.")]
    if in_script:
        one = in_script[0]
        return (
            f"{one} was defined in a notebook or script (__main__), where nothing else finds it: "
            f"move it to a module, e.g. our_features.py beside the application file, import it "
            f"from there, store the model again, and add `trust_names: [our_features.{one}]` "
            "under model"
        )
    line = f"add `trust_names: [{', '.join(names)}]` under model"
    missing = sorted({n.partition(".")[0] for n in names if not _is_there(n, folder)})
    if missing:
        return (
            f"install the package that has {' and '.join(missing)}, or put {missing[0]}.py beside "
            f"the application file; then, if you know what is in it, {line}"
        )
    return f"if you know what these do, {line}; they are then imported, and may run code"


def _is_there(name: str, folder: Path) -> bool:
    top = name.partition(".")[0]
    if (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file():
        return True
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _refuse_others(model: Any, name: str, context: ModelContext) -> None:
    kind = type(model)
    if isinstance(model, dict | list | tuple):
        raise _no_model_alone(model, name, context)
    reason = NO_CLASSIFIERS.get(f"{kind.__module__}.{kind.__qualname__}")
    if reason is not None:
        raise problem(
            context.references.document,
            FILE,
            f"{name} holds no classifier of scikit-learn: {reason.partition('; ')[0]}",
            expected="a classifier with fit and predict",
            given=f"a {kind.__qualname__}",
            advice=f"{reason.partition('; ')[2]}, or call it in a Python function of your own "
            "(model.function)",
        )


def _no_model_alone(
    held: dict[Any, Any] | list[Any] | tuple[Any, ...], name: str, context: ModelContext
) -> DescriptionError:
    """Say what a file holds in which a model stands among other things."""
    pairs = list(held.items()) if isinstance(held, dict) else list(enumerate(held))
    listed = ", ".join(f"{key} (a {type(value).__name__})" for key, value in pairs[:6])
    models = [str(key) for key, value in pairs if hasattr(value, "predict")]
    what = f"entry {models[0]}" if models else "trained classifier"
    return problem(
        context.references.document,
        FILE,
        f"{name} holds a {type(held).__name__}, and no model alone: {listed or 'it is empty'}",
        expected="a classifier with fit and predict",
        given=f"a {type(held).__name__}",
        advice=f"store the {what} alone, with its preprocessing in one Pipeline; or load the file "
        "in a Python function of your own (model.function)",
    )


def _load_again(wrap: Callable[[Any], Target], trusted: tuple[str, ...], path: Path) -> Target:
    """Load a file without any check of what follows the model, as the application would."""
    loaded: Loaded = load(path.read_bytes(), trusted, lenient=True)
    return wrap(loaded.model)


def _dump(target: Target) -> bytes:
    import joblib

    model = getattr(target, "model", None)
    if model is None:
        raise NotOffered("another model cannot be stored in the format of this one")
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()
