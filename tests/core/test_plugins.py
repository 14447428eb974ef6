"""Plug-ins are found by entry point; what is wrong with one is a warning and never an error."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import ClassVar

import pytest

from goalkeeper.attacks import _problem, catalogue
from goalkeeper.attacks.base import Attack
from goalkeeper.core import plugins
from goalkeeper.core.plugins import load_plugins
from goalkeeper.games.membership import Membership

HERE = "tests.core.test_plugins"
GROUP = "goalkeeper.tests"
good = "good"


class Leaves(str):
    """Ends the process when it is looked at."""

    def upper(self) -> str:
        sys.exit("enough")


leaves = Leaves("leaves")


def problem(loaded: str) -> str:
    return "" if loaded.upper() == "GOOD" else "it is not good"


def offered(monkeypatch: pytest.MonkeyPatch, *values: tuple[str, str]) -> None:
    """Let packages offer these names and values, as if they were installed."""
    points = EntryPoints(EntryPoint(n, v, GROUP) for n, v in values)
    monkeypatch.setattr(plugins, "entry_points", lambda group: points.select(group=group))


def test_what_fits_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, ("a", f"{HERE}:good"), ("b", f"{HERE}:good"))
    assert load_plugins(GROUP, {"c"}, problem) == {"a": "good", "b": "good"}
    assert load_plugins("goalkeeper.others", (), problem) == {}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("nowhere.at.all:Thing", "ModuleNotFoundError"),
        (f"{HERE}:absent", "AttributeError"),
        (f"{HERE}:HERE", "it is not good"),
        (f"{HERE}:GOOD.bad", "AttributeError"),
        (f"{HERE}:leaves", "SystemExit: enough"),
    ],
)
def test_what_is_broken_is_a_warning_and_the_rest_is_loaded(
    value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(monkeypatch, ("odd", value), ("fine", f"{HERE}:good"))
    with pytest.warns(UserWarning, match=rf"plug-in odd of {GROUP} .* left out: {says}"):
        assert load_plugins(GROUP, (), problem) == {"fine": "good"}


def test_a_name_is_given_once_and_ours_win(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, ("ours", f"{HERE}:good"))
    with pytest.warns(UserWarning, match="goalkeeper has its own ours"):
        assert load_plugins(GROUP, {"ours": 1}, problem) == {}
    offered(monkeypatch, ("twice", f"{HERE}:good"), ("twice", f"{HERE}:leaves"))
    with pytest.warns(UserWarning, match="another plug-in has the same name"):
        assert load_plugins(GROUP, (), problem) == {"twice": "good"}


class Nameless(Attack[object, object]):
    """An attack that does not say which game it plays."""

    variant: ClassVar[str] = "membership.loss"

    def run(self, question: object, access: object) -> object:
        return question


class Demanding(Nameless):
    """An attack that cannot be made without arguments."""

    game: ClassVar[type[Membership]] = Membership
    reference: ClassVar[str] = "none"

    def __init__(self, must: int) -> None:
        self.must = must


class Gameless(Nameless):
    """An attack of something that is no game."""

    game: ClassVar[type[int]] = int  # type: ignore[assignment]
    reference: ClassVar[str] = "none"


@pytest.mark.parametrize(
    ("name", "says"), [("Demanding", "TypeError: .* 'must'"), ("Gameless", "its game, .*int")]
)
def test_an_attack_that_no_plan_can_use_is_left_out(
    name: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(monkeypatch, ("odd", f"{HERE}:{name}"))
    with pytest.warns(UserWarning, match=f"plug-in odd .* left out: {says}"):
        assert load_plugins(GROUP, (), _problem) == {}


def test_an_attack_that_is_none_says_why() -> None:
    assert not any(_problem(attack) for attack in catalogue().values())
    assert "not a subclass" in _problem("attack")
    assert "not a subclass" in _problem(str)
    assert "does not define run" in _problem(Attack)
    assert _problem(Nameless) == "it does not declare game, reference"
