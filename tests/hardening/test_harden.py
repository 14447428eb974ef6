"""Hardening from end to end, on an application of which the right defence is known."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import goalkeeper as gk
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.goals import Goal
from goalkeeper.hardening import Hardening, HardenOptions, TriedDefence, harden
from tests.defences.planted import memoriser

MODEL = """
from sklearn.tree import DecisionTreeClassifier

def build():
    return DecisionTreeClassifier(max_features=2)
"""
FILE = """
goalkeeper: 1
name: memoriser
classes: ["0", "1", "2", "3", "4", "5", "6", "7"]
harmless: "0"
data: {file: records.csv, label: label}
model: {build: model.py:build} # a comment
needs:
  integrity: {none: not the point}
  availability: {none: not the point}
  confidentiality: {none: not the point}
  privacy: {tasks: {level: high, reason: people}}
attackers: [customer]
"""


def write(folder: Path) -> Path:
    app = memoriser(0)
    parts = [getattr(app.data, part) for part in ("train", "holdout", "calibration", "similar")]
    x, y = np.concatenate([p.x for p in parts]), np.concatenate([p.y for p in parts])
    lines = ["a,b,c,d,label"]
    lines += [",".join([*(f"{v:.6f}" for v in row), str(k)]) for row, k in zip(x, y, strict=True)]
    (folder / "records.csv").write_text("\n".join(lines))
    (folder / "model.py").write_text(MODEL)
    (folder / "application.yaml").write_text(FILE)
    return folder / "application.yaml"


def test_larger_leaves_protect_a_tree_that_knows_every_record(tmp_path: Path) -> None:
    app = memoriser(0)
    found = harden(app, tmp_path, options=HardenOptions(defences=["larger_leaves"]))
    assert found.tried[0].accepted
    assert found.tried[0].defence == "larger_leaves (records=100)", "the strongest comes first"
    effect = found.tried[0].goals[Goal.PRIVACY]
    assert effect.before is Verdict.NOT_MET
    assert effect.after is not Verdict.NOT_MET
    assert Path(found.model).is_file()
    page = (tmp_path / "hardening.md").read_text()
    assert "| privacy | not met |" in page
    assert "harmless inputs declined" in page
    report = (tmp_path / "report.html").read_text()
    part = report[report.index('id="hardening"') :]
    for words in ("What was tried", "wrong answers", "time of a training", "loss_threshold"):
        assert words in part[: part.index("</section>")]
    seconds = {c.what: c for c in found.tried[0].side_effects if c.unit == "seconds"}
    assert set(seconds) == {"time of an answer", "time of a training"}
    for cost in seconds.values():
        assert cost.low is not None
        assert cost.high is not None
        assert cost.low <= cost.after - cost.before <= cost.high
    kept = json.loads((tmp_path / "hardening.json").read_text())
    assert kept["tried"][0]["accepted"] is True
    assert kept["tried"][0]["goals"]["privacy"]["before"] == "not_met"


@pytest.mark.validation
def test_the_hardened_file_is_ready_to_use_and_a_hardening_resumes(tmp_path: Path) -> None:
    file, folder = write(tmp_path), tmp_path / "deep" / "hardening"
    options = HardenOptions(defences=["larger_leaves"])
    options = replace(options, run=replace(options.run, store=False))
    found = harden(file, folder, options=options)
    text = Path(found.hardened).read_text()
    assert text.startswith(FILE.split("data:")[0].rstrip())
    assert "# a comment" in text
    hardened = gk.load(found.hardened)
    assert "min_samples_leaf=20" in (hardened.trainer.recipe if hardened.trainer else "")
    units = {p: p.stat().st_mtime_ns for p in folder.rglob("units/*.json")}
    again = harden(file, folder, options=options)
    assert again.tried[0].why == found.tried[0].why
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("units/*.json")} == units


KILLED = """
import os, signal, sys
from pathlib import Path
from goalkeeper.hardening import Hardening, HardenOptions, TriedDefence, harden
from goalkeeper.running import RunOptions

def tell(text):
    if text.startswith("accepted"):
        os.kill(os.getpid(), signal.SIGKILL)

options = HardenOptions(
    defences=["rounding", "larger_leaves"], run=RunOptions(store=False), tell=tell
)
harden(Path(sys.argv[1]), Path(sys.argv[2]), options=options)
"""


def timeless(found: Hardening, folder: Path) -> str:
    """Leave out what was measured in seconds, and where it lies."""

    def without(one: TriedDefence) -> TriedDefence:
        kept = tuple(c for c in one.side_effects if c.unit != "seconds")
        return one.model_copy(update={"side_effects": kept})

    combined = without(found.combined) if found.combined else None
    update = {"tried": tuple(map(without, found.tried)), "combined": combined}
    return found.model_copy(update=update).to_json().replace(str(folder), "")


@pytest.mark.validation
def test_after_kill_9_no_trial_is_repeated_and_the_result_is_the_same(tmp_path: Path) -> None:
    file, folder, undisturbed = write(tmp_path), tmp_path / "killed", tmp_path / "undisturbed"
    command = [sys.executable, "-c", KILLED, str(file), str(folder)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    ruled = list(folder.rglob("trial.json"))
    assert [p.parent.name for p in ruled] == ["larger-leaves-records-100"]
    done = {p: p.stat().st_mtime_ns for p in [*ruled, *folder.rglob("units/*.json")]}
    options = HardenOptions(defences=["rounding", "larger_leaves"])
    options = replace(options, run=replace(options.run, store=False))
    resumed = harden(file, folder, options=options)
    assert {p: p.stat().st_mtime_ns for p in done} == done
    again = harden(file, undisturbed, options=options)
    assert resumed.tried[0].accepted
    assert timeless(resumed, folder) == timeless(again, undisturbed)


def test_an_unknown_defence_is_named(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="larger_leaves"):
        harden(memoriser(0), tmp_path, options=HardenOptions(defences=["larger_leafs"]))


def test_without_time_nothing_is_tried(tmp_path: Path) -> None:
    options = HardenOptions(defences=["larger_leaves"], time=0.0)
    with pytest.warns(UserWarning, match="no time is left"):
        found = harden(memoriser(0), tmp_path, options=options)
    assert not found.complete
    assert found.hardened == ""
    assert set(found.left_out) == {"larger_leaves (records=100)"}
