"""How an application file says that the application learns from feedback, or does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from goalkeeper.core.application import Feedback
from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe import check, load
from tests.describe.writing import BASE, write_text_app

UPDATES = """\
def update(model, x, y):
    model[-1].partial_fit(model[:-1].transform(x), y)

def update_badly(model, x, y):
    raise ValueError("the vocabulary has changed")

def build_tree():
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.tree import DecisionTreeClassifier
    return make_pipeline(CountVectorizer(), DecisionTreeClassifier())
"""
NOT_SAID = "retraining on all data is assumed"


def write_learner(folder: Path, said: str) -> Path:
    path = write_text_app(folder, BASE + said + "\n")
    (folder / "learn.py").write_text(UPDATES, encoding="utf-8")
    return path


@pytest.mark.requirement("S20")
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", None),
        ("feedback: none\n", Feedback(rounds=0)),
        ("feedback: {}\n", Feedback()),
        (
            "feedback: {share: 0.02, rounds: 7, review: 0.1, monitor: 0.03, snapshots: 3}\n",
            Feedback(share=0.02, rounds=7, review=0.1, monitor=0.03, snapshots=3),
        ),
    ],
)
def test_a_loop_a_stated_absence_and_silence_differ(
    tmp_path: Path, said: str, meant: Feedback | None
) -> None:
    assert load(write_text_app(tmp_path, BASE + said)).feedback == meant


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("feedback: {share: 2}", "feedback.share: this number must be at most 1"),
        ("feedback: {monitr: 0.1}", "did you mean monitor?"),
        ("feedback: {snapshots: true}", "this must be a whole number, not true or false"),
        ("feedback: often", "feedback: this must be a mapping, not text"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, said: str, told: str) -> None:
    (problem,) = check(write_text_app(tmp_path, f"{BASE}{said}\n"))
    assert told in str(problem)
    assert "app.yaml:28" in str(problem)


def test_a_model_that_cannot_be_trained_cannot_learn(tmp_path: Path) -> None:
    text = BASE.replace("build: filter.py:build", "function: filter.py:predict")
    found = [str(p) for p in check(write_text_app(tmp_path, f"{text}feedback: {{}}\n"))]
    assert any("cannot train the model" in problem for problem in found)
    quiet = [str(p) for p in check(write_text_app(tmp_path, f"{text}feedback: none\n"))]
    assert not any("cannot train the model" in problem for problem in quiet)


# ---- how it learns -------------------------------------------------------------------------------


@pytest.mark.requirement("S20")
@pytest.mark.parametrize(
    ("said", "meant", "noted"),
    [
        ("feedback: {}", Feedback(), True),
        ("feedback: none", Feedback(rounds=0), False),
        ("feedback: {learning: retrained}", Feedback(), False),
        ("feedback: {repeats: 4, others: 0.1}", Feedback(repeats=4, others=0.1), True),
        (
            "feedback: {learning: partial_fit, batch: 5, shuffle: true}",
            Feedback(learning="partial_fit", batch=5, shuffle=True),
            False,
        ),
    ],
)
def test_how_it_learns_is_said_or_noted(
    tmp_path: Path, said: str, meant: Feedback, *, noted: bool
) -> None:
    """A model with partial_fit is not by itself one that learns in place."""
    app = load(write_learner(tmp_path, said))
    assert app.feedback == meant
    assert any(NOT_SAID in caveat for caveat in app.caveats) == noted


def test_a_model_that_can_only_be_retrained_needs_no_note(tmp_path: Path) -> None:
    path = write_learner(tmp_path, "feedback: {}")
    path.write_text(path.read_text().replace("filter.py:build", "learn.py:build_tree"))
    assert not any(NOT_SAID in caveat for caveat in load(path).caveats)


@pytest.mark.requirement("S20")
def test_an_own_update_function_is_found_and_tried(tmp_path: Path) -> None:
    app = load(write_learner(tmp_path, "feedback: {learning: learn.py:update}"))
    assert app.feedback
    assert (app.feedback.learning, app.feedback.in_place) == ("function", True)
    assert callable(app.feedback.update)
    assert "learn.py" in app.hashes


@pytest.mark.parametrize(
    ("said", "key", "told"),
    [
        ("{learning: online}", "learning", "this is no way of learning"),
        ("{learning: partialfit}", "learning", "did you mean partial_fit?"),
        ("{learning: learn.py:updat}", "learning", "did you mean update?"),
        ("{batch: 5}", "batch", "write `learning: partial_fit`, or leave out `batch`"),
        ("{rate: 0.1}", "rate", "belongs to a model that is updated"),
        ("{learning: learn.py:update, rate: 0.1}", "rate", "leave out `rate`"),
        ("{repeats: 0}", "repeats", "at least 1"),
    ],
)
def test_what_is_wrong_with_its_learning_is_told(
    tmp_path: Path, said: str, key: str, told: str
) -> None:
    (problem,) = check(write_learner(tmp_path, f"feedback: {said}"))
    assert told in str(problem)
    assert "app.yaml:28" in str(problem)
    assert f"feedback.{key}" in str(problem)


@pytest.mark.parametrize(
    ("said", "build", "told"),
    [
        (
            "{learning: partial_fit}",
            "learn.py:build_tree",
            "DecisionTreeClassifier has no partial_",
        ),
        ("{learning: partial_fit, rate: 0.1}", "filter.py:build", "its own learning rate"),
        ("{learning: learn.py:update_badly}", "filter.py:build", "the vocabulary has changed"),
    ],
)
def test_a_model_that_cannot_be_updated_is_told_with_line_key_and_remedy(
    tmp_path: Path, said: str, build: str, told: str
) -> None:
    path = write_learner(tmp_path, f"feedback: {said}")
    path.write_text(path.read_text().replace("filter.py:build", build))
    with pytest.raises(DescriptionError) as found:
        load(path)
    error = found.value
    assert told in error.problem
    assert error.where.endswith("app.yaml:28")
    assert error.key == "feedback.learning"
    assert error.expected
    assert "learning: retrained" in error.advice or "(model, x, y)" in error.advice
