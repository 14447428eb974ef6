"""The planted code game: files with code inside are checked, and never loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goalkeeper.attacks.planted_code.pickle_inside import PickleInside
from goalkeeper.core.access import Access
from goalkeeper.core.errors import DataError
from goalkeeper.games.planted_code import PlantedCode, Replacement
from goalkeeper.games.planted_code.game import TASK
from tests.games.tampering import (
    add_byte,
    app_of,
    assert_controlled,
    result_of,
    tally,
    with_storage,
)

GAME = PlantedCode()


def test_a_file_with_code_inside_is_never_loaded() -> None:
    app = app_of()

    def load(path: Path) -> Any:
        raise AssertionError(f"{path} was loaded")

    code = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."
    files = [Replacement("code", code)]
    result = result_of(lambda aim, access: files, GAME, app=with_storage(app, load=load))
    assert tally(result).successes == 1


def test_a_file_without_code_inside_is_refused() -> None:
    with pytest.raises(DataError, match="contains no planted code"):
        result_of(add_byte, GAME)


@pytest.mark.requirement("S24")
def test_formats_that_run_no_code_are_proven_unfit_for_planted_code() -> None:
    app = with_storage(app_of(), runs_code=False)
    unfit = GAME.unfit(app, TASK)
    assert unfit is not None
    assert unfit.proven
    none = GAME.unfit(replace(app, storage=None), TASK)
    assert none is not None
    assert not none.proven  # an unknown file is not a safe one


def test_code_in_the_stored_model_itself_is_reported() -> None:
    app = app_of()
    assert app.storage is not None
    own = app.storage.read()
    code = b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R0"
    infected = own[:2] + code + own[2:]

    def files(aim: Any, access: Access) -> list[Replacement]:
        new = b"\x8c\x02nt\x8c\x06system\x93\x8c\x04true\x85R0"
        return [Replacement("more", own[:2] + new + own[2:])]

    result = result_of(files, GAME, app=with_storage(app, read=lambda: infected))
    hidden = next(c for c in result.controls if c.name.startswith("nothing is hidden"))
    assert not hidden.passed
    assert "os.system" in hidden.detail


def test_what_nobody_wins_is_controlled_by_a_weakened_application() -> None:
    assert_controlled(PickleInside())
