"""The hardened descriptions: what stays as it is in them, and which goals they then meet."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

import goalkeeper as gk
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.describe import check, load, schema
from goalkeeper.describe.document import read
from goalkeeper.examples import NAMES, write_example
from tests.cli.inline import inline

FEW = {"spam-filter": 600, "cancer-treatment": 800, "digit-reader": 600}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_sound_and_changes_neither_needs_nor_threats(name: str, tmp_path: Path) -> None:
    first = load(write_example(name, tmp_path / "first", size=FEW[name]))
    path = write_example(name, tmp_path / "hardened", size=FEW[name], hardened=True)
    assert check(path) == ()
    jsonschema.Draft202012Validator(schema()).validate(read(path).value)
    app = load(path)
    assert sum(app.data.sizes().values()) == FEW[name]
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.8
    assert app.needs == first.needs
    assert app.threats == first.threats
    assert app.tolerances == first.tolerances
    assert {a.name for a in app.attackers} == {a.name for a in first.attackers}


@pytest.mark.parametrize("name", NAMES)
def test_attacks_are_planned_for_every_goal(name: str, tmp_path: Path) -> None:
    path = write_example(name, tmp_path, size=FEW[name], hardened=True)
    plan = gk.plan(load(path))
    deciding = [entry for entry in plan.entries if entry.unit and entry.standing.decides]
    for goal in Goal:
        assert any(goal in entry.goals for entry in deciding), goal


@pytest.mark.parametrize("name", NAMES)
def test_every_change_says_what_stood_there(name: str, tmp_path: Path) -> None:
    first = yaml.safe_load(write_example(name, tmp_path / "first").read_text(encoding="utf-8"))
    path = write_example(name, tmp_path / "hardened", hardened=True)
    text = path.read_text(encoding="utf-8")
    described = yaml.safe_load(text)
    changed = {key for key in described if described[key] != first.get(key)}
    assert "needs" not in changed
    assert changed <= {
        "name",
        "data",
        "model",
        "threats",
        "wiring",
        "system",
        "feedback",
        "attackers",
    }
    assert text.count("# Was") >= len(changed - {"name", "threats", "wiring"})


def test_the_option_belongs_to_an_example(tmp_path: Path) -> None:
    done = inline("init", "--hardened", str(tmp_path / "mine"))
    assert done.code == 4
    assert "--example" in done.err
    done = inline("init", "--example", "digit-reader", "--hardened", str(tmp_path / "digits"))
    assert done.code == 0
    assert {path.name for path in (tmp_path / "digits").iterdir()} == {
        "application.yaml", "application.schema.json", "digits.npz", "hardened.py",
    }  # fmt: skip


def verdicts(assessment: Assessment) -> list[Verdict]:
    return [rating.verdict for rating in assessment.goals.values()]


def test_two_goals_of_the_cancer_treatment_part_ways(tmp_path: Path) -> None:
    """The short form of the test below: the goals that are settled in a few seconds."""
    goals = (Goal.INTEGRITY, Goal.AVAILABILITY)
    app = load(write_example("cancer-treatment", tmp_path, size=1000, hardened=True))
    ratings = gk.run(app, choice=gk.Choice(goals=goals)).goals
    assert ratings[Goal.INTEGRITY].verdict is Verdict.NOT_MET
    assert ratings[Goal.AVAILABILITY].verdict is Verdict.MET


@pytest.mark.validation
@pytest.mark.parametrize("name", NAMES)
def test_at_least_two_goals_are_met_and_one_is_not(name: str, tmp_path: Path) -> None:
    first = gk.run(load(write_example(name, tmp_path / "first")))
    hardened = gk.run(load(write_example(name, tmp_path / "hardened", hardened=True)))
    assert Verdict.MET not in verdicts(first)
    assert verdicts(hardened).count(Verdict.MET) >= 2
    assert Verdict.NOT_MET in verdicts(hardened)
