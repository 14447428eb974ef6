"""How the application keeps learning, as the file says; tried once on the model as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Data
from goalkeeper.core.errors import DataError, DescriptionError, NotOffered, TargetError
from goalkeeper.core.feedback import update_target
from goalkeeper.core.learning import FUNCTION, PARTIAL_FIT, RETRAINED, Feedback
from goalkeeper.core.power import View
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm, FeedbackForm
from goalkeeper.describe.problems import choice, problem
from goalkeeper.describe.references import References

if TYPE_CHECKING:
    from goalkeeper.core.application import Application

LEARNING: Key = ("feedback", "learning")
OF_UPDATES = ("batch", "shuffle", "rate")  # what only a model that is updated in place has
TRIED = 8  # records of the trial update: enough for batch normalisation
EXPECTED = "retrained, partial_fit, or a Python function file.py:name"
NOT_SAID = (
    "the model can be updated in place, and the description does not say how it learns from "
    "feedback: retraining on all data is assumed (feedback.learning)"
)


def read_loop(references: References, form: ApplicationForm) -> Feedback | None:
    """Return the loop that the file describes, with the application's own function if named."""
    if form.feedback is None:
        return None
    settings = form.feedback.model_dump()
    if not _names_function(references, form.feedback):
        settings["learning"] = form.feedback.learning or RETRAINED
        return Feedback(**settings)
    update = references.function(LEARNING, form.feedback.learning or "")
    return Feedback(**{**settings, "learning": FUNCTION, "update": update})


def take_update(options: dict[str, Any], given: dict[Key, Any]) -> None:
    """Take a function that updates the model out of options made in Python, as a file names one."""
    loop = options.get("feedback")
    if not isinstance(loop, Mapping):
        return
    said = dict(loop)
    update = said.pop("update", None) or said.get("learning")
    if callable(update):
        given[LEARNING] = update
        said["learning"] = "update"
    options["feedback"] = said


def learning_problems(references: References, form: ApplicationForm) -> list[DescriptionError]:
    """List what is wrong with how it learns, as far as the file alone shows it."""
    return [] if form.feedback is None else list(_find_problems(references, form.feedback))


def _find_problems(references: References, loop: FeedbackForm) -> Iterator[DescriptionError]:
    document, named = references.document, _names_function(references, loop)
    if named:
        if LEARNING not in document.given:
            try:
                references.locate(LEARNING, loop.learning or "")
            except DescriptionError as error:
                yield error
    elif loop.learning not in (None, RETRAINED, PARTIAL_FIT):
        advice = choice(loop.learning or "", (RETRAINED, PARTIAL_FIT))
        what = "this is no way of learning"
        yield problem(document, LEARNING, what, expected=EXPECTED, advice=advice)
        return
    in_place = named or loop.learning == PARTIAL_FIT
    for name in OF_UPDATES:
        key: Key = ("feedback", name)
        if document.at(key) is None or getattr(loop, name) in (None, False):
            continue
        if not in_place:
            yield problem(
                document,
                key,
                f"`{name}` belongs to a model that is updated with each round",
                expected="a feedback.learning other than retrained",
                advice=f"write `learning: partial_fit`, or leave out `{name}`",
            )
        elif named and name == "rate":
            what = "your own function has a learning rate of its own"
            yield problem(document, key, what, advice="leave out `rate`")


def _names_function(references: References, loop: FeedbackForm) -> bool:
    return LEARNING in references.document.given or ":" in (loop.learning or "")


def try_learning(document: Document, app: Application) -> None:
    """Update a copy of the model with a few records; raises DescriptionError where it cannot."""
    loop, trainer = app.feedback, app.trainer
    if loop is None or trainer is None or not loop.in_place or not loop.rounds:
        return
    rows = app.data.train.take(slice(0, TRIED))
    lesson = Data(x=rows.x, y=rows.y)
    try:
        updated = update_target(trainer, app.target, lesson, 0, loop)
        updated.answer(np.asarray(lesson.x), View.LABELS)
    except (NotOffered, DataError, TargetError) as error:
        what = str(error.what if isinstance(error, TargetError) else error)
        own = loop.learning == FUNCTION
        raise problem(
            document,
            LEARNING,
            f"the model cannot be updated with feedback: {what}",
            expected="a function that updates the model"
            if own
            else "a model with partial_fit, or a torch module that `build` returns",
            given=None if not own else getattr(loop.update, "__name__", ""),
            advice="correct the function: it takes (model, x, y) or (model, x, y, seed)"
            if own
            else "write `learning: retrained` if it is trained again on all data, or name your "
            "own update function, `learning: file.py:name`",
        ) from error


def note_learning(form: ApplicationForm, app: Application) -> tuple[str, ...]:
    """Say what was assumed where the file does not say how a model learns that could do both."""
    loop = form.feedback
    if loop is None or not loop.rounds or loop.learning is not None:
        return ()
    return (NOT_SAID,) if getattr(app.trainer, "updates_in_place", False) else ()
