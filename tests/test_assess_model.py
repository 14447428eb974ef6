"""From a model in memory to an assessment in one call, and how assessments and plans print."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import goalkeeper as gk
from goalkeeper.core.errors import DescriptionError, StoreError
from goalkeeper.core.late import ON_TOP
from goalkeeper.running import Started
from goalkeeper.running.options import Event
from tests.describe.given import N, halves, rows
from tests.docs.pages import ROOT

FEW: dict[str, Any] = {
    "attackers": ["customer"],
    "effort": 0.25,
    "attacks": ("loss_threshold", "malformed_inputs"),
}


def fitted() -> Any:
    x, y = rows()
    return LogisticRegression().fit(x[:N], y[:N])


@pytest.fixture(scope="module")
def assessment() -> gk.Assessment:
    return gk.assess_model(fitted(), *halves(*rows()), name="<b>Loans</b>", seed=1, **FEW)


# ---- the call ------------------------------------------------------------------------------------


def test_one_call_gives_a_verdict_for_each_goal(assessment: gk.Assessment) -> None:
    assert set(assessment.goals) == set(gk.Goal)
    tested = {e.attack for e in assessment.evidence if e.status is gk.Status.TESTED}
    assert tested == {"loss_threshold", "malformed_inputs"}
    assert assessment.seed == 1
    assert any("no protection need" in c for c in assessment.application.caveats)


def test_a_folder_is_written_and_resumed(tmp_path: Path) -> None:
    events: list[Event] = []
    settings = gk.RunOptions(progress=events.append, store=tmp_path / "store")
    folder = tmp_path / "run"
    made = [
        gk.assess_model(fitted(), *halves(*rows()), folder=folder, run=settings, **FEW)
        for _ in range(2)
    ]
    assert (folder / "report.html").is_file()
    assert made[0].goals == made[1].goals
    first, second = (event for event in events if isinstance(event, Started))
    assert len(first.pending) == len(first.units) > 0
    assert second.pending == ()
    assert gk.Assessment.from_folder(folder).goals == made[1].goals
    once = gk.RunOptions(resume=False)
    with pytest.raises(StoreError, match="holds a run already"):
        gk.assess_model(fitted(), *halves(*rows()), folder=folder, run=once, **FEW)


def test_the_same_seed_gives_the_same_as_assess(assessment: gk.Assessment) -> None:
    app = gk.Application.from_model(fitted(), *halves(*rows()), attackers=["customer"])
    choice = gk.Choice(attacks=FEW["attacks"], effort=0.25)
    planned = gk.plan(app, seed=1, choice=choice)
    units = {unit.attack for unit in planned.units}
    assert units == set(FEW["attacks"])
    again = gk.assess_model(fitted(), *halves(*rows()), seed=1, **FEW)
    measured = [[e.result.measurements for e in a.evidence] for a in (assessment, again)]
    assert measured[0] == measured[1]


def test_only_some_goals_in_little_time() -> None:
    found = gk.assess_model(
        fitted(), *halves(*rows()), only="privacy", attackers="customer",
        attacks="loss_threshold", time="5m", needs={"privacy": "high"},
    )  # fmt: skip
    assert list(found.goals) == [gk.Goal.PRIVACY]
    assert found.goals[gk.Goal.PRIVACY].need.level == 2


def test_wrong_arguments_of_the_run() -> None:
    records = halves(*rows())
    for options, words in (
        ({"time": "soon"}, "time: the value of time cannot be parsed"),
        ({"effort": 99}, "there is no such effort"),
        ({"attacks": ["lost_threshold"]}, "there is no attack"),
        ({"sed": 1}, "sed: there is no such argument"),
    ):
        with pytest.raises(DescriptionError, match=words):
            gk.assess_model(fitted(), *records, **options)


def test_a_model_that_contradicts_its_data_stops() -> None:
    x, y = rows()
    swapped = LogisticRegression().fit(x[:N], np.where(y[:N] == "yes", "no", "yes"))
    with pytest.raises(DescriptionError, match=r"contradict|order|worse"):
        gk.assess_model(swapped, *halves(x, y), **FEW)


# ---- how it prints -------------------------------------------------------------------------------


def test_an_assessment_prints_verdicts_and_what_is_open(assessment: gk.Assessment) -> None:
    said = str(assessment)
    assert repr(assessment) == said
    lines = said.splitlines()
    assert lines[0].startswith("<b>Loans</b>: ")
    assert re.match(r"\d+ attack runs planned: ", lines[1])
    assert lines[2].startswith("Accuracy on unseen records ")
    for goal in gk.Goal:
        (row,) = (line for line in lines if line.startswith(str(goal).capitalize()))
        assert assessment.goals[goal].verdict.replace("_", " ") in row
    assert "loss_threshold by customer" in said
    assert re.search(r"\d+(\.\d+)?( %)? \(.* to .*\), baseline ", said)
    assert "Not tested, or not decided:" in said
    assert max(map(len, lines)) < 400


class Tags(HTMLParser):
    """Collects tags and their attributes, and checks that they are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.depth = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1


def test_html_for_notebooks_is_a_closed_fragment(assessment: gk.Assessment) -> None:
    made = assessment._repr_html_()
    tags = Tags(made)
    assert tags.depth == 0
    assert tags.found[0][0] == "div"
    assert {tag for tag, _ in tags.found} <= {
        "div", "p", "b", "small", "ul", "li", "table", "caption", "tr", "th", "td",
    }  # fmt: skip
    assert {key for _, attributes in tags.found for key in attributes} <= {"style"}
    assert "&lt;b&gt;Loans&lt;/b&gt;" in made
    assert "loss_threshold by customer" in made
    assert len(made) < 20_000


def test_a_plan_prints_attacks_by_attacker() -> None:
    app = gk.Application.from_model(fitted(), *halves(*rows()), attackers=["outsider", "customer"])
    planned = gk.plan(app, choice=gk.Choice(effort=0.5))
    said = str(planned)
    assert repr(planned) == said
    assert said.startswith(f"{len(planned.units)} attack runs planned for 2 attackers (effort 0.5)")
    head, row = (
        next(line for line in said.splitlines() if line.startswith(word))
        for word in ("Attack ", "loss_threshold")
    )
    assert head.split() == ["Attack", "Task", "outsider", "customer", "Queries"]
    assert row.split()[1:4] == ["membership", "skipped", "planned"]
    assert "Skipped:" in said
    made = planned._repr_html_()
    tags = Tags(made)
    assert tags.depth == 0
    shown = {e.attack for e in planned.entries if e.attack}
    assert all(attack in made for attack in shown)


def test_a_plan_of_nothing_prints() -> None:
    app = gk.Application.from_model(fitted(), *halves(*rows()), attackers=["outsider"])
    planned = gk.plan(app, choice=gk.Choice(attacks=("loss_threshold",)))
    assert str(planned).startswith("0 attack runs planned for 0 attackers")
    assert Tags(planned._repr_html_()).depth == 0


def test_what_core_calls_late_exists_and_is_called_by_core_and_plans_only() -> None:
    from importlib import import_module

    for module, name in ON_TOP.names:
        assert callable(getattr(import_module(f"goalkeeper.{module}"), name))
    with pytest.raises(KeyError):
        ON_TOP.call("describe", "load", "x")
    source = ROOT / "src" / "goalkeeper"
    users = [p for p in source.rglob("*.py") if "ON_TOP" in p.read_text()]
    assert {p.relative_to(source).as_posix() for p in users} == {
        "core/late.py", "core/application.py", "core/assessment.py", "planning/plan.py",
    }  # fmt: skip
