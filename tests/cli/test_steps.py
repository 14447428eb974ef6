"""What takes longer than a moment is shown, on standard error."""

from __future__ import annotations

import threading
import time

import pytest

from goalkeeper.cli import steps
from goalkeeper.cli.common import spinner
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.usercode import user_code


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOMENT", 0.15)
    monkeypatch.setattr(steps, "LOOK", 0.01)


def test_what_is_done_is_named_and_what_is_short_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with spinner("reading the data", silent=False):
        time.sleep(0.5)
        with user_code(Activity.TRAINING, "the training of a tree"):
            time.sleep(0.5)
    with spinner("planning", silent=False):
        pass
    shown = capsys.readouterr()
    assert shown.err.splitlines() == ["reading the data ...", "training the model ..."]
    assert shown.out == ""


def test_answers_are_part_of_the_step(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        spinner("measuring", silent=False),
        user_code(Activity.ANSWER, "the model", inputs=3),
    ):
        time.sleep(0.4)
    assert capsys.readouterr().err == "measuring ...\n"


def test_nothing_is_shown_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    with spinner("reading the data", silent=True):
        time.sleep(0.3)
    assert capsys.readouterr() == ("", "")


def test_an_error_ends_the_step_and_passes() -> None:
    before = threading.active_count()
    with pytest.raises(ValueError, match="no"), spinner("planning", silent=False):
        raise ValueError("no")
    assert threading.active_count() == before
