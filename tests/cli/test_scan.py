"""`goalkeeper scan`: its verdicts, exit codes and formats."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from goalkeeper.cli.main import build
from goalkeeper.cli.scan import ScanExit

CLEAN = pickle.dumps({"a": 1})
UNSAFE = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
UNKNOWN = b"\x80\x04\x8c\x04mine\x8c\x05Model\x93)\x81."
UNREADABLE = CLEAN[:-3]
CONTENTS = {"clean": CLEAN, "unsafe": UNSAFE, "unknown": UNKNOWN, "unreadable": UNREADABLE}
# The parts of SARIF 2.1.0 that code hosts require.
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs", "$schema"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {"driver": {"required": ["name", "rules"]}},
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "level", "message", "locations"],
                            "properties": {
                                "level": {"enum": ["error", "warning", "note"]},
                                "message": {"required": ["text"]},
                                "locations": {"type": "array", "minItems": 1},
                            },
                        },
                    },
                },
            },
        },
    },
}


def ran(*words: str | Path) -> Any:
    return CliRunner().invoke(build(), ["scan", *map(str, words)])


def stored(folder: Path, *verdicts: str) -> list[Path]:
    paths = [folder / f"{verdict}.pkl" for verdict in verdicts]
    for path in paths:
        path.write_bytes(CONTENTS[path.stem])
    return paths


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["clean"], ScanExit.CLEAN),
        (["clean", "unknown"], ScanExit.UNKNOWN),
        (["unknown", "unreadable", "clean"], ScanExit.UNREADABLE),
        (["unreadable", "unsafe", "unknown"], ScanExit.UNSAFE),
    ],
)
def test_the_worst_file_decides_the_exit_code(
    verdicts: list[str], code: ScanExit, tmp_path: Path
) -> None:
    done = ran(*stored(tmp_path, *verdicts), "--json")
    assert done.exit_code == code
    rows = json.loads(done.output)
    assert [row["verdict"] for row in rows] == verdicts
    assert all(set(row) == {"file", "verdict", "reasons"} and row["reasons"] for row in rows)


def test_folders_are_walked_and_names_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    stored(tmp_path / "a" / "b", "unsafe")
    stored(tmp_path, "clean")
    done = ran(tmp_path)
    assert done.exit_code == ScanExit.UNSAFE
    assert "posix.system" in done.output
    assert "clean.pkl: clean" in done.output


def test_names_of_ones_own_can_be_added(tmp_path: Path) -> None:
    (path,) = stored(tmp_path, "unknown")
    assert ran(path, "--trust-name", "mine.Model").exit_code == ScanExit.CLEAN
    (path,) = stored(tmp_path, "unsafe")
    assert ran(path, "--trust-name", "posix.system").exit_code == ScanExit.UNSAFE


def test_sarif(tmp_path: Path) -> None:
    done = ran(*stored(tmp_path, "clean", "unsafe", "unknown"), "--sarif")
    report = json.loads(done.output)
    jsonschema.validate(report, SARIF)
    results = report["runs"][0]["results"]
    assert [r["ruleId"] for r in results] == ["unsafe", "unknown"]
    rules = {rule["id"] for rule in report["runs"][0]["tool"]["driver"]["rules"]}
    assert {r["ruleId"] for r in results} <= rules


def test_nothing_is_never_clean(tmp_path: Path) -> None:
    for words in ((tmp_path / "gone.pkl",), (tmp_path,), ()):
        done = ran(*words)
        assert done.exit_code != ScanExit.CLEAN
        assert done.output == "" or "clean" not in done.output


def test_a_file_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(b"\x80\x04\x8c\x04mine\x8c\x07\x1b[2JXYZ\x93.")
    assert "\x1b" not in ran(path).output
