"""Every command that a page shows exists, with its options; the tutorial's commands run."""

from __future__ import annotations

import hashlib
import pickle
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

import goalkeeper as gk
from goalkeeper.attacks import catalogue
from goalkeeper.cli.exits import Exit
from goalkeeper.cli.main import build
from goalkeeper.core.goals import Goal
from goalkeeper.policy import default_policy
from tests.cli.inline import Ended, inline
from tests.docs.pages import DOCS, EVERYTHING, README, blocks, commands, short, titled

VERBS = getattr(get_command(build()), "commands", {})
COMMANDS = [(short(page), line) for page in EVERYTHING for line in commands(page)]
VALUES: dict[str, set[str]] = {
    "--only": {str(goal) for goal in Goal},
    "--attack": {*catalogue(), "NAME"},
    "--attacker": set(default_policy().attackers),
}


def options(verb: str) -> dict[str, bool]:
    """Map each option of a verb to whether it takes a value."""
    found = {"--help": False}
    for parameter in VERBS[verb].params:
        if parameter.param_type_name == "option":
            found |= dict.fromkeys(parameter.opts, not parameter.is_flag)
    return found


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_command_exists(page: str, line: str) -> None:
    _, verb, *rest = shlex.split(line)
    assert verb in VERBS, f"{page}: there is no verb {verb}"
    known, given = options(verb), iter(rest)
    for word in given:
        if word.startswith("-"):
            assert word in known, f"{page}: {verb} has no option {word}"
            value = next(given, "") if known[word] else ""
            assert value in VALUES.get(word, {value}), f"{page}: {word} {value}"


@pytest.mark.parametrize("page", EVERYTHING, ids=short)
def test_options_named_in_text_exist(page: Path) -> None:
    """An option in code style belongs to some verb of ours."""
    every = {name for verb in VERBS for name in options(verb)}
    for name in re.findall(r"`(--[a-z-]+)", page.read_text(encoding="utf-8")):
        assert name in every, f"{short(page)}: {name}"


def test_readme_lists_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \|", README.read_text(), re.MULTILINE)
    assert sorted(map(int, listed)) == sorted(map(int, Exit))


def executed(line: str, folder: Path) -> Ended:
    """Run a line of a page in a folder, with the goalkeeper and the Python of these tests."""
    first, *rest = shlex.split(line)
    if first == "goalkeeper":
        return inline(*rest, cwd=folder)
    assert first == "python"
    done = subprocess.run(
        [sys.executable, *rest], cwd=folder, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def test_tutorial_runs(tmp_path: Path) -> None:
    page = DOCS / "tutorial" / "spam-filter.md"
    lines = [line for b in blocks(page, "bash") if b.run for line in b.body.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        done = executed(line, tmp_path)
        fine = {Exit.MET, Exit.NOT_MET, Exit.INCONCLUSIVE} if " run " in line else {Exit.MET}
        assert done.code in fine, f"{line}\n{done.out}{done.err}"
    assert (tmp_path / "my-filter" / "one" / "report.html").is_file()


def test_own_model_how_to_runs(tmp_path: Path) -> None:
    page = DOCS / "how-to" / "own-sklearn-model.md"
    for name in ("make_data.py", "model.py", "application.yaml"):
        (tmp_path / name).write_text(titled(page, name))
    lines = [line for b in blocks(page, "bash") if b.run for line in b.body.splitlines()]
    assert lines
    for line in lines:
        done = executed(line, tmp_path)
        assert done.code == 0, f"{line}\n{done.out}{done.err}"


def test_stored_model_how_to_tells_the_hash(tmp_path: Path) -> None:
    """The description with a stored model is refused, and the error names the right hash."""
    page = DOCS / "how-to" / "own-sklearn-model.md"
    (tmp_path / "application.yaml").write_text(
        titled(page, "application.yaml, with a stored model")
    )
    stored = pickle.dumps("stands for a model")
    (tmp_path / "model.joblib").write_bytes(stored)
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_text("income,decision\n1,granted\n2,refused\n")
    done = executed("goalkeeper check application.yaml", tmp_path)
    assert done.code == Exit.USAGE
    assert hashlib.sha256(stored).hexdigest() in done.err


def test_readme_application_loads(tmp_path: Path) -> None:
    shown = [b.body for b in blocks(README, "yaml") if "goalkeeper: 1" in b.body]
    model = next(b.body for b in blocks(README, "python") if "def build" in b.body)
    data = titled(DOCS / "how-to" / "own-sklearn-model.md", "make_data.py")
    assert len(shown) == 1
    assert len(shown[0].splitlines()) <= 16
    (tmp_path / "application.yaml").write_text(shown[0])
    (tmp_path / "model.py").write_text(model)
    (tmp_path / "make_data.py").write_text(data)
    assert executed("python make_data.py", tmp_path).code == 0
    assert gk.load(tmp_path / "application.yaml").classes == ("refused", "granted")
