"""A run folder verifies as it was written, and no part of it can be changed unnoticed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import goalkeeper as gk
from goalkeeper.compute.folder import RunFolder
from goalkeeper.core.evidence import Requirement, Status
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.rate import join_evidence
from goalkeeper.verify import list_differences
from tests.attacks.membership.gaussian import application
from tests.rate.making import evidence, of, requires, trial

CHOICE = gk.Choice(
    goals=(gk.Goal.PRIVACY,), attackers=("customer",), attacks=("loss_threshold",)
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one attack."""
    need = ProtectionNeed(goal=gk.Goal.PRIVACY, level=1)
    app = replace(application(0, n=300), needs={gk.Goal.PRIVACY: need})
    folder = tmp_path_factory.mktemp("verify") / "run"
    options = gk.RunOptions(
        progress=lambda event: None, execution=gk.Execution(executor="inline"), store=False
    )
    assert gk.run(app, folder, choice=CHOICE, options=options).complete
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


def sealed(folder: Path, **changes: Any) -> Path:
    """Change fields of the assessment, in the form that goalkeeper writes, and make hashes fit."""
    content = json.loads((folder / "assessment.json").read_text()) | changes
    assessment = gk.Assessment.model_validate(content)
    RunFolder(folder).write("assessment.json", assessment.to_json())
    RunFolder(folder).seal()
    return folder


def the_unit(folder: Path) -> Path:
    (unit,) = {
        folder / f"units/{e.unit}.json"
        for e in gk.Assessment.from_folder(folder).evidence
        if e.unit
    }
    return unit


def test_a_run_verifies_as_it_was_written(folder: Path) -> None:
    assert list_differences(folder) == []
    assert list_differences(sealed(folder)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "report.html").write_text("fine"), "report.html: changed since the run"),
        (lambda f: (f / "run.json").unlink(), "run.json: missing"),
        (lambda f: (f / "more.txt").touch(), "more.txt: not part of the run"),
    ],
)
def test_every_file_is_as_it_was_hashed(
    folder: Path, change: Callable[[Path], Any], said: str
) -> None:
    change(folder)
    assert list_differences(folder) == [said]


def test_verdicts_are_rated_again(folder: Path) -> None:
    other = "met" if gk.Assessment.from_folder(folder).verdict != "met" else "not_met"
    (found,) = list_differences(sealed(folder, verdict=other))
    assert found.startswith(f"verdict: {other} is stored")


def test_evidence_equals_the_stored_result_of_its_run(folder: Path) -> None:
    evidence = json.loads((folder / "assessment.json").read_text())["evidence"]
    place = next(i for i, one in enumerate(evidence) if one["unit"])
    evidence[place]["result"]["summary"] = "nothing was found"
    (found,) = list_differences(sealed(folder, evidence=evidence))
    assert "differs from its unit" in found


def test_a_unit_may_be_missing_only_where_the_run_was_not_finished(folder: Path) -> None:
    the_unit(folder).unlink()
    (found,) = list_differences(sealed(folder))
    assert "is missing or damaged" in found
    assert list_differences(sealed(folder, complete=False)) == []


def test_a_damaged_unit_does_not_verify_whatever_the_manifest_says(folder: Path) -> None:
    unit = the_unit(folder)
    unit.write_bytes(unit.read_bytes().replace(b'"tested"', b'"failed"', 1))
    (found,) = list_differences(sealed(folder))
    assert "is missing or damaged" in found


def test_the_stored_policy_is_the_one_that_the_assessment_names(folder: Path) -> None:
    rating = folder / "policy" / "rating.yaml"
    rating.write_text(rating.read_text() + "\n# one comment more\n")
    found = list_differences(sealed(folder))
    assert "policy: the stored policy is not the one that the assessment names" in found


def test_an_assessment_of_another_form_is_noticed(folder: Path) -> None:
    path = folder / "assessment.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    RunFolder(folder).seal()
    assert list_differences(folder) == ["assessment.json: not in the form that goalkeeper writes"]


def test_evidence_that_fails_beside_that_of_others_verifies(folder: Path) -> None:
    """Gradients that do worse than scores are masked: that is no difference from the result."""
    blind = evidence(trial(of(0, 100)), name="pgd", needs=_seeing("gradients"))
    broken = evidence(trial(of(60, 100)), name="square", needs=_seeing("scores"))
    for one in (blind, broken):
        RunFolder(folder).save(one.unit, one.result)
    judged = join_evidence([blind, broken])
    assert judged[0].status is Status.CONTROL_FAILED
    for found, wrong in (judged, []), ([blind, broken], [blind]):
        sealed(folder, evidence=[json.loads(e.model_dump_json()) for e in found])
        different = [d for d in list_differences(folder) if "differs from its unit" in d]
        assert different == [f"evidence {e.id}: differs from its unit {e.unit}" for e in wrong]


def _seeing(view: str) -> Requirement:
    return requires("insider").model_copy(update={"view": view})
