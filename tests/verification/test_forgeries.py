"""Every kind of forgery is refused in one line, or named as what only a signature can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from goalkeeper.verification import verify
from goalkeeper.verification.result import MOST, UNSIGNED
from tests.verification.forgeries import CONSISTENT, REFUSED, Forgery, Make

LIGHT = [forgery for forgery in REFUSED if not forgery.heavy]
HEAVY = [forgery for forgery in REFUSED if forgery.heavy]


def test_there_are_at_least_forty_kinds() -> None:
    assert len({forgery.name for forgery in LIGHT}) >= 40


@pytest.mark.parametrize("forgery", LIGHT, ids=lambda forgery: forgery.name)
def test_a_forgery_is_refused_in_one_line(forgery: Forgery, folder: Path) -> None:
    _refuse(forgery, folder)


@pytest.mark.validation
@pytest.mark.parametrize("forgery", HEAVY, ids=lambda forgery: forgery.name)
def test_a_heavy_forgery_is_refused_in_one_line(forgery: Forgery, folder: Path) -> None:
    _refuse(forgery, folder)


def _refuse(forgery: Forgery, folder: Path) -> None:
    forgery.make(folder)
    found = verify(folder)
    assert not found
    assert [line for line in found.problems if forgery.said in line]
    assert len(found.problems) <= MOST
    for line in found.problems:
        assert line.isprintable()
        assert len(line) < 250


@pytest.mark.parametrize("make", CONSISTENT[:1], ids=lambda make: make.__name__)
def test_a_consistent_forgery_is_said_not_to_be_signed(make: Make, folder: Path) -> None:
    _say_unsigned(make, folder)


@pytest.mark.validation
@pytest.mark.parametrize("make", CONSISTENT[1:], ids=lambda make: make.__name__)
def test_every_consistent_forgery_is_said_not_to_be_signed(make: Make, folder: Path) -> None:
    _say_unsigned(make, folder)


def _say_unsigned(make: Make, folder: Path) -> None:
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    make(folder)
    assert before != {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    found = verify(folder)
    assert found.problems == ()
    assert str(found) == f"consistent; {UNSIGNED}"
