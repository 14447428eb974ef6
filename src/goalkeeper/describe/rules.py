"""Rules across the keys of an application file; every broken rule is reported."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import OBJECT, Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_data import ColumnForm
from goalkeeper.describe.problems import choice, problem
from goalkeeper.describe.whole_form import key_kinds, model_keys

SOURCES = ("file", "function", "train")


def broken_rules(document: Document, form: ApplicationForm) -> list[DescriptionError]:
    """List every rule that a well-formed application file breaks."""
    rules = (_model, _integrity, _expects, _trained, _feedback)
    others = [found for rule in rules for found in rule(document, form)]
    return [*broken_data_rules(document, form), *others]


def broken_data_rules(document: Document, form: ApplicationForm) -> list[DescriptionError]:
    """List the broken rules without which records can be read."""
    rules = (_classes, _source, _columns, _parts)
    return [found for rule in rules for found in rule(document, form)]


def _classes(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    twice = [name for name, count in Counter(form.classes).items() if count > 1]
    if twice:
        yield problem(document, ("classes",), f"the class {twice[0]} is listed twice")
    if form.harmless is not None and form.harmless not in form.classes:
        yield problem(
            document,
            ("harmless",),
            "this is not one of the classes",
            expected="one of " + ", ".join(form.classes),
            advice=choice(form.harmless, form.classes),
        )
    for name in form.wiring:
        if name not in form.classes:
            yield problem(
                document,
                ("wiring", name),
                "this is not one of the classes",
                expected="one of " + ", ".join(form.classes),
                given=name,
                advice=choice(name, form.classes),
            )


def _only_one(
    document: Document, section: str, keys: Sequence[str], given: Sequence[str], purpose: str
) -> DescriptionError:
    where: Key = (section, given[1]) if given else (section,)
    return problem(
        document,
        where,
        f"{section} names {' and '.join(given) if given else 'nothing'} to {purpose}",
        expected="exactly one of " + ", ".join(keys),
        given=", ".join(given) or "none of them",
        advice="keep one of them" if given else f"add `{keys[0]}: ...` under {section}",
    )


def _source(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    data = form.data
    given = [key for key in SOURCES if getattr(data, key) is not None]
    if len(given) != 1:
        yield _only_one(document, "data", SOURCES, given, "read records from")
    if (data.train is None) != (data.test is None) and len(given) <= 1:
        present, absent = ("train", "test") if data.test is None else ("test", "train")
        yield problem(
            document,
            ("data", present),
            f"{present} needs {absent} beside it",
            expected="both train and test",
            advice=f"add `{absent}: FILE`, or use `file:` and let goalkeeper cut it",
        )
    if data.part is not None and data.train is not None:
        yield problem(
            document,
            ("data", "part"),
            "a part column is for one file; train and test are already separate files",
            advice="leave out `part`",
        )


def _columns(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    data = form.data
    if data.text is not None:
        for key, value in (("features", data.features), ("one_hot", data.one_hot or None)):
            if value is not None:
                yield problem(
                    document,
                    ("data", key),
                    f"{key} is for tables, but data.text says that inputs are texts",
                    advice=f"leave out {key} or text",
                )
        if form.input not in (None, "text"):
            yield problem(
                document,
                ("input",),
                "data.text says that inputs are texts",
                expected="text",
                advice="leave out `input`",
            )
    if form.columns and (data.text is not None or form.input in ("text", "image")):
        yield problem(
            document,
            ("columns",),
            "columns describes the features of a table, but inputs are not rows of a table",
            advice="leave out `columns`",
        )
    for name, column in form.columns.items():
        yield from _bounds(document, ("columns", name), column)


def _bounds(document: Document, key: Key, column: ColumnForm) -> Iterator[DescriptionError]:
    low, high = column.low, column.high
    if low is not None and high is not None and low > high:
        yield problem(document, (*key, "low"), "low lies above high", advice="swap the two")
    if column.type == "category" and not low is high is None:
        yield problem(document, key, "a category has no bounds", advice="leave out low and high")
    if column.categories is not None and column.type in ("number", "integer"):
        yield problem(
            document,
            (*key, "categories"),
            "only a category has categories",
            advice="write `type: category`, or leave out categories",
        )


def _parts(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    parts, apart = form.data.parts, form.data.train is not None or form.data.part is not None
    if parts is None:
        return
    key: Key = ("data", "parts")
    if apart and parts.train is not None:
        yield problem(
            document,
            (*key, "train"),
            "the training data is given as a file of its own; only the rest is cut",
            expected="holdout, calibration and similar, which sum to 1",
            advice="leave out `train`",
        )
        return
    if not apart and parts.train is None:
        yield problem(
            document,
            (*key, "train"),
            "the share of the training data is missing",
            expected="train, holdout, calibration and similar, which sum to 1",
            advice="add `train: 0.4` and lower the others",
        )
        return
    total = math.fsum(v for v in parts.model_dump().values() if v is not None)
    if abs(total - 1) > 1e-9:
        yield problem(
            document,
            key,
            "the shares must sum to 1",
            given=f"a sum of {total:g}",
            advice="change one of them",
        )


def _model(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    model, keys = form.model, model_keys()
    given = [key for key in keys if getattr(model, key) is not None]
    in_memory = OBJECT in document.given
    if len(given) != 1 and not in_memory:
        yield _only_one(document, "model", keys, given, "evaluate")
    if model.build is None:
        for key in ("weights", "training"):
            if document.at(("model", key)) is not None and not (in_memory and key == "training"):
                yield problem(
                    document,
                    ("model", key),
                    f"{key} belongs to `model.build`, which is not given",
                    expected="build: a function that returns the torch module",
                    advice="add `build: file.py:name` under model",
                )
    if model.retries is not None and getattr(model, "function", None) is None:
        yield problem(
            document,
            ("model", "retries"),
            "retries belongs to `model.function`, which is not given",
            advice="leave out retries; a service has its own key, model.http.retries",
        )
    if model.file is None:
        for key in ("trust", "trust_names", "sha256"):
            if document.at(("model", key)) is not None:
                yield problem(
                    document,
                    ("model", key),
                    f"{key} belongs to `model.file`, which is not given",
                    advice=f"leave out {key}",
                )


def _integrity(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    """Check what is said of how the stored model is protected."""
    check, key = form.model.integrity, ("model", "integrity")
    if check is None:
        return
    if form.model.file is None and form.model.weights is None:
        yield problem(
            document,
            key,
            "integrity is about a stored model, but no file of one is given",
            expected="model.file, or model.weights beside model.build",
            advice="name the stored model as `file:` or `weights:`, or leave out integrity",
        )
    elif check not in ("none", "sha256") and ":" not in check:
        yield problem(
            document,
            key,
            "this check of the stored model is not known",
            expected="none, sha256, or a function file.py:name that takes the path of the file",
            advice="write `integrity: sha256` if the application compares the hash at every start",
        )


def _expects(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    """Require exactly one thing that is expected of the model."""
    expects, key = form.model.expects, ("model", "expects")
    if expects is None:
        return
    given = [name for name in ("accuracy", "answers") if getattr(expects, name) is not None]
    if len(given) != 1:
        yield problem(
            document,
            key,
            "say one thing that you know of the model",
            expected="accuracy or answers",
            given=" and ".join(given) or "none of them",
            advice="keep one of them" if given else "write `expects: {accuracy: 0.95}`",
        )
    elif given == ["answers"] and document.at((*key, "part")) is not None:
        yield problem(
            document, (*key, "part"), "`part` belongs to an accuracy", advice="leave out `part`"
        )


def _trained(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    """Require the training rows of a model which goalkeeper does not train itself."""
    done = ("file", *key_kinds(), "weights")
    trained = next((k for k in done if getattr(form.model, k) is not None), None)
    split = form.data.train is not None or form.data.part is not None
    both = form.model.build is not None and trained != "weights"
    if trained is not None and not both and not split:
        yield problem(
            document,
            ("model", trained),
            "the model is already trained, but its training records are not named",
            expected="data.train and data.test, or a data.part column",
            advice="give the training records as `data.train` and others as `data.test`; whether "
            "the model remembers its training data cannot be measured otherwise",
        )


def _feedback(document: Document, form: ApplicationForm) -> Iterator[DescriptionError]:
    """Require a recipe where the model goes on learning."""
    trains = form.model.build is not None or OBJECT in document.given
    if form.feedback is not None and form.feedback.rounds and not trains:
        yield problem(
            document,
            ("feedback",),
            "the application learns from feedback, but goalkeeper cannot train the model",
            expected="model.build",
            advice="give the model as `build: FILE.py:FUNCTION`, or leave out feedback",
        )
