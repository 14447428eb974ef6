"""How an application file says that the application learns from feedback, or does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from goalkeeper.core.application import Feedback
from goalkeeper.describe import check, load
from tests.describe.writing import BASE, write_text_app


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
