"""A package of somebody else, installed as a wheel, is found, and tests itself by the contract."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import goalkeeper

SRC = str(Path(goalkeeper.__file__).parents[1])
ATTACK = '''"""Tell members by the score of their class."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.power import Budget
from goalkeeper.games.membership import Membership


@final
@dataclass(frozen=True, kw_only=True)
class OwnScore(Attack):
    """Score each record by the score of its class."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none: an example"
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    most: ClassVar[Budget] = Budget(queries=1)

    def run(self, question, access):
        n = np.arange(len(question))
        return access.query(question.x, n).scores[n, question.y]
'''
TARGET = '''"""A model that says the same to everybody."""

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View


class Evens:
    offers = View.SCORES

    def answer(self, x, view):
        scores = np.full((len(x), 2), 0.5)
        return Answers(np.zeros(len(x), dtype=np.int64), scores).cut(view)

    def parameters(self):
        raise NotOffered("there are none")

    def artefact(self):
        raise NotOffered("there is none")
'''
EXECUTOR = '''"""Run the last job first."""

from goalkeeper.compute.inline import InlineExecutor


class Backwards:
    def __init__(self, execution=None):
        pass

    def run(self, jobs):
        yield from InlineExecutor().run(jobs[::-1] if isinstance(jobs, list) else jobs)
'''
ENTRY_POINTS = """[goalkeeper.attacks]
own_score = stranger.attack:OwnScore

[goalkeeper.executors]
backwards = stranger.executor:Backwards
"""
COMMAND = "from goalkeeper.cli import main; main()"
METADATA = "Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path, attack: str) -> Path:
    """Write the wheel of a package with an attack, a target and an executor."""
    info = "stranger-1.0.dist-info"
    files = {
        "stranger/__init__.py": "",
        "stranger/attack.py": attack,
        "stranger/target.py": TARGET,
        "stranger/executor.py": EXECUTOR,
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": ENTRY_POINTS,
    }
    path = folder / "stranger-1.0-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = hashlib.sha256(text.encode()).digest()
            sealed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            record += f"{name},sha256={sealed},{len(text.encode())}\n"
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def installed(folder: Path) -> Path:
    """Install the package beside everything else, without a network; return where."""
    place = folder / "installed"
    offline = ["--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *offline]
    subprocess.run([*command, "--target", str(place), str(wheel(folder, ATTACK))], check=True)
    return place


def python(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the package installed."""
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(place), SRC])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("plugin"))


def test_it_is_found_and_keeps_the_contract(place: Path) -> None:
    code = """
import numpy as np
from goalkeeper.attacks import catalogue
from goalkeeper.compute.executors import available
from goalkeeper.testing import check_attack, check_executor, check_target
from stranger.target import Evens

attack = catalogue()["own_score"]
assert attack.__module__ == "stranger.attack"
check_attack(attack)
check_executor(lambda: available()["backwards"](None), workers=False)
check_target(Evens(), np.eye(3), ("no", "yes"))
print("all kept")
"""
    done = python(place, "-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "all kept"


def test_it_is_listed(place: Path) -> None:
    done = python(place, "-c", COMMAND, "list", "attacks", "--json")
    assert done.returncode == 0, done.stderr
    assert "own_score" in {row["name"] for row in json.loads(done.stdout)}


BROKEN = {
    "not final": (
        ATTACK.replace("@final\n", ""),
        "an attack describes itself",
    ),
    "over its budget": (
        ATTACK.replace(
            "return access.query", "access._meter.limit = 9\n        return access.query"
        )
        .replace("question.x, n)", "np.repeat(question.x, 2, axis=0), np.repeat(n, 2))")
        .replace(".scores[n, question.y]", ".scores[::2][n, question.y]"),
        "no more than its budget",
    ),
    "behind access": (
        ATTACK.replace("access.query(question.x, n)", "access._app.target.answer(question.x, 2)"),
        "asks the target only through access",
    ),
    "grades itself": (
        ATTACK.replace(
            "n = np.arange(len(question))",
            "known = {row.tobytes() for row in access._app.data.train.x}\n"
            "        return np.array([float(row.tobytes() in known) for row in question.x])",
        ),
        "does not win the fair game",
    ),
}


def unpacked(folder: Path, attack: str) -> Path:
    """Lay the package out as pip does, without a process; return where."""
    place = folder / "installed"
    with zipfile.ZipFile(wheel(folder, attack)) as archive:
        archive.extractall(place)
    return place


def test_a_broken_attack_is_told_which_promise_it_breaks(tmp_path: Path) -> None:
    """One process for all of them: what an attack needs is imported once."""
    places = []
    for what, (attack, _) in BROKEN.items():
        assert attack != ATTACK
        (folder := tmp_path / what).mkdir()
        places.append(str(unpacked(folder, attack)))
    code = f"""
import sys
from goalkeeper.testing import ContractError, check_attack

for place in {places!r}:
    sys.path.insert(0, place)
    from stranger.attack import OwnScore

    try:
        check_attack(OwnScore)
    except ContractError as error:
        print(error, end="\\0")
    for name in [name for name in sys.modules if name.startswith("stranger")]:
        del sys.modules[name]
"""
    done = python(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    told = done.stdout.split("\0")[:-1]
    assert len(told) == len(BROKEN), done.stdout
    for (_, promise), message in zip(BROKEN.values(), told, strict=True):
        assert promise in message.splitlines()[0]
        assert "  seen: " in message
        assert "  do:   " in message
