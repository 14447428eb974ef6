"""Hardening from end to end, on an application of which the right defence is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import goalkeeper as gk
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.goals import Goal
from goalkeeper.hardening import HardenOptions, harden
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
    assert [one.accepted for one in found.tried] == [True]
    effect = found.tried[0].goals[Goal.PRIVACY]
    assert effect.before is Verdict.NOT_MET
    assert effect.after is not Verdict.NOT_MET
    assert Path(found.model).is_file()
    page = (tmp_path / "hardening.md").read_text()
    assert "| privacy | not met |" in page
    assert "harmless inputs declined" in page
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


def test_an_unknown_defence_is_named(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="larger_leaves"):
        harden(memoriser(0), tmp_path, options=HardenOptions(defences=["larger_leafs"]))


def test_without_time_nothing_is_tried(tmp_path: Path) -> None:
    options = HardenOptions(defences=["larger_leaves"], time=0.0)
    with pytest.warns(UserWarning, match="no time is left"):
        found = harden(memoriser(0), tmp_path, options=options)
    assert not found.complete
    assert found.hardened == ""
    assert set(found.left_out) == {"larger_leaves", "larger_leaves (records=100)"}
