"""The swapped file game: which files are noticed before they come into use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goalkeeper.attacks.swapped_file.swapped_model import SwappedModel
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import Proportion, Status
from goalkeeper.games.swapped_file import Replacement, SwappedFile
from tests.games.tampering import (
    add_byte,
    app_of,
    assert_controlled,
    result_of,
    tally,
    with_storage,
)

GAME = SwappedFile().smaller()


@pytest.mark.requirement("S24")
def test_without_a_check_nothing_notices_and_the_summary_says_so() -> None:
    result = result_of(add_byte, GAME)
    assert tally(result) == Proportion(successes=1, n=1, baseline_successes=0, baseline_n=1)
    assert result.summary.startswith("Nothing checks the stored model")
    assert any("no check of the stored model is described" in c for c in result.caveats)


@pytest.mark.requirement("S24")
def test_a_hash_that_is_kept_apart_notices_every_changed_byte() -> None:
    result = result_of(add_byte, GAME, app=app_of(kind="fair"))
    assert tally(result).successes == 0
    assert "noticed by the declared check" in result.measurements[1].note


def test_a_check_that_raises_has_noticed_and_the_genuine_file_must_pass() -> None:
    app = app_of()
    assert app.storage is not None
    genuine = app.storage.read()

    def raising(path: Path) -> bool:
        if path.read_bytes() != genuine:
            raise RuntimeError("forged")
        return True

    result = result_of(add_byte, GAME, app=with_storage(app, check=raising, protection="own"))
    assert "the check raised RuntimeError" in result.measurements[1].note
    refusing = with_storage(app, check=lambda path: False, protection="own")
    result = result_of(add_byte, GAME, app=refusing)
    assert result.status is Status.NOT_TESTED
    assert "does not even start" in result.reason


def test_a_file_that_cannot_be_loaded_was_noticed() -> None:
    result = result_of(lambda aim, access: [Replacement("half", aim.content[:40])], GAME)
    assert result.status is Status.NOT_TESTED  # what cannot be read to its end is never opened
    app = app_of()

    def failing(path: Path) -> Any:
        if path.read_bytes().endswith(b"!"):
            raise ValueError("trailing bytes")
        assert app.storage is not None
        return app.storage.load(path)

    result = result_of(add_byte, GAME, app=with_storage(app, load=failing))
    assert tally(result).successes == 0
    assert "loading raised ValueError" in result.measurements[1].note


def test_the_users_file_is_never_touched_and_nothing_is_left(tmp_path: Path) -> None:
    app = app_of()
    assert app.storage is not None
    file = tmp_path / "model.joblib"
    file.write_bytes(app.storage.read())
    before = file.read_bytes()
    seen: list[Path] = []

    def check(path: Path) -> bool:
        seen.append(path)
        return True

    result_of(add_byte, GAME, app=with_storage(app, read=file.read_bytes, check=check))
    assert file.read_bytes() == before
    assert seen
    assert not any(path.exists() for path in seen)
    assert file not in seen


def test_a_swapped_file_that_names_new_code_is_never_loaded() -> None:
    opened: list[Path] = []
    app = app_of()
    assert app.storage is not None
    load = app.storage.load

    def watched(path: Path) -> Any:
        opened.append(path)
        return load(path)

    code = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."
    files = [Replacement("code", code)]
    result = result_of(lambda aim, access: files, GAME, app=with_storage(app, load=watched))
    assert result.status is Status.NOT_TESTED
    assert len(opened) == 1  # the genuine copy


def test_a_file_that_is_not_changed_is_refused() -> None:
    with pytest.raises(DataError, match="differs from the genuine one"):
        result_of(lambda aim, access: [Replacement("same", aim.content)], GAME)


def test_what_nobody_wins_is_controlled_by_a_weakened_application() -> None:
    assert_controlled(SwappedModel())
