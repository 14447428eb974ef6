"""`goalkeeper check`: the figures of fit, for people and for programs, and its exit codes."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.inline import inline

KEYS = ["usable", "accuracy", "majority", "reference", "fit", "problems"]
APPLICATION = """
goalkeeper: 1
name: Loans
classes: {classes}
data: {{train: train.csv, test: test.csv, label: decision}}
model: {{function: model.py:predict{expects}}}
needs:
  integrity: {{financial: {{level: normal, reason: A loan is lost}}}}
  availability: {{none: A person decides then}}
  confidentiality: {{none: The rules are published}}
  privacy: {{none: The records are made up}}
attackers: [outsider]
"""
MODEL = """
import numpy as np

def predict(x):
    return np.asarray((x[:, 0] > x[:, 1]).astype(int))
"""


def write(folder: Path, classes: str = "[refused, granted]", expects: str = "") -> Path:
    """A loan is granted where the income is higher than the debt."""
    stream = random.Random(1)  # noqa: S311 - nothing is secret here
    rows = [(stream.gauss(0, 1), stream.gauss(0, 1)) for _ in range(400)]
    decide: Callable[[float, float], str] = lambda a, b: "granted" if a > b else "refused"  # noqa: E731
    parts = {"train": rows[:150], "test": rows[150:]}
    for name, part in parts.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["income", "debt", "decision"])
            table.writerows([a, b, decide(a, b)] for a, b in part)
    with (folder / "known.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["debt", "answer", "income"])  # columns are found by name
        table.writerows([b, decide(a, b), a] for a, b in rows[150:170])
    (folder / "model.py").write_text(MODEL)
    app = folder / "application.yaml"
    app.write_text(APPLICATION.format(classes=classes, expects=expects))
    return app


def checked(file: Path) -> tuple[int, dict[str, Any]]:
    done = inline("check", file, "--json")
    return done.code, json.loads(done.out)


def test_a_model_that_fits(tmp_path: Path) -> None:
    file = write(tmp_path)
    code, found = checked(file)
    assert code == 0
    assert list(found)[: len(KEYS)] == KEYS
    assert (found["usable"], found["fit"], found["problems"]) == (True, "fit", [])
    assert set(found["accuracy"]) == {"train", "holdout"}
    assert set(found["accuracy"]["holdout"]) == {"value", "low", "high", "n"}
    assert found["accuracy"]["holdout"]["value"] == 1
    said = inline("check", file)
    assert "Is this what you know of your model?" in said.out
    assert "recall of granted" in said.out


def test_swapped_classes_cannot_be_used(tmp_path: Path) -> None:
    file = write(tmp_path, classes="[granted, refused]")
    code, found = checked(file)
    assert code == 4
    assert (found["usable"], found["fit"]) == (False, "contradiction")
    assert "classes: [refused, granted]" in found["problems"][0]
    for verb in ("check", "plan", "run"):
        output = ("-o", str(tmp_path / "run")) if verb == "run" else ()
        done = inline(verb, str(file), *output)
        assert done.code == 4
        assert "write the classes in the order of the model" in done.err
    assert not (tmp_path / "run").exists()


def test_a_file_with_problems_lists_them_all(tmp_path: Path) -> None:
    file = write(tmp_path)
    file.write_text(file.read_text().replace("test.csv", "tets.csv").replace("predict", "predcit"))
    code, found = checked(file)
    assert code == 4
    assert found["usable"] is False
    assert len(found["problems"]) == 2
    assert all(found[key] is None for key in found if key not in ("usable", "problems"))


def test_the_file_alone_is_checked_without_the_model(tmp_path: Path) -> None:
    file = write(tmp_path)
    (tmp_path / "model.py").write_text("def predict(x):\n    raise SystemExit(3)\n")
    assert inline("check", file, "--no-model").code == 0
    assert inline("check", file).code == 4


@pytest.mark.parametrize(
    ("expects", "code", "says"),
    [
        ("accuracy: 0.99", 0, ""),
        ("accuracy: 0.8", 4, "you expect an accuracy of 0.8"),
        ("answers: known.csv", 0, ""),
        ("answers: nothing.csv", 4, "does not exist"),
        ("accuracy: 0.9, answers: known.csv", 4, "say one thing"),
        ("answers: known.csv, part: train", 4, "`part` belongs to an accuracy"),
    ],
)
def test_what_the_user_expects(tmp_path: Path, expects: str, code: int, says: str) -> None:
    found = checked(write(tmp_path, expects=f", expects: {{{expects}}}"))
    assert found[0] == code, found[1]["problems"]
    assert says in "".join(found[1]["problems"])
    if not code:
        assert found[1]["expects"]["confirmed"] is True


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace("debt,answer", "depth,answer"), "no column debt"),
        (lambda t: t.replace("answer", "anwser"), "no column answer"),
        (lambda t: t.replace("granted", "x").replace("refused", "granted").replace("x", "refused"),
         "first record 1 "),
    ],
)  # fmt: skip
def test_known_answers_that_cannot_be_compared_or_differ(
    tmp_path: Path, change: Callable[[str], str], says: str
) -> None:
    file = write(tmp_path, expects=", expects: {answers: known.csv}")
    known = tmp_path / "known.csv"
    known.write_text(change(known.read_text()))
    code, found = checked(file)
    assert code == 4
    assert says in found["problems"][0]
