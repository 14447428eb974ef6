"""The hardened descriptions: what stays as it is in them, and which goals they then meet."""

from __future__ import annotations

from importlib.resources import files
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
    planned = [entry for entry in gk.plan(app).entries if entry.unit and entry.standing.decides]
    for goal in Goal:
        assert any(goal in entry.goals for entry in planned), goal


@pytest.mark.parametrize("name", NAMES)
def test_every_change_says_what_stood_there(name: str) -> None:
    here = files(f"goalkeeper.examples.{name.replace('-', '_')}")
    text = (here / "hardened.yaml").read_text(encoding="utf-8")
    first = yaml.safe_load((here / "application.yaml").read_text(encoding="utf-8"))
    described = yaml.safe_load(text)
    changed = {key for key in described if described[key] != first.get(key)}
    assert changed <= {
        "name",
        "data",
        "model",
        "threats",
        "system",
        "feedback",
        "attackers",
        "wiring",
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


@pytest.mark.validation
@pytest.mark.parametrize("name", NAMES)
def test_more_goals_are_met_two_at_least_and_one_is_not(name: str, tmp_path: Path) -> None:
    first, hardened = (
        gk.run(
            write_example(name, tmp_path / part, hardened=part == "hardened"),
            tmp_path / f"run-{part}",
        )
        for part in ("first", "hardened")
    )
    met, before = (verdicts(each).count(Verdict.MET) for each in (hardened, first))
    assert met >= 2
    assert before == (name == "digit-reader")  # whose privacy is met as it is
    assert met > before
    assert Verdict.NOT_MET in verdicts(hardened)
