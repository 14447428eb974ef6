"""A kind of model in a package of its own: installed by an entry point, used by its key or file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.describe.test_bad_data import split_app
from tests.describe.writing import mail_lines

SRC = Path(__file__).parents[3] / "src"
PLUGIN = """\
from goalkeeper.describe.kinds import FileKind, KeyKind, Model, TargetKind
from goalkeeper.targets import PythonTarget

def black_box(word, context):
    def answer(x):
        return [word if "offer" in text else "ham" for text in x]

    sample = context.splits.holdout.x[:4]
    target = PythonTarget(answer, context.classes, context.domain, sample=sample)
    return Model(target=target, trainer=None, domain=context.domain, compute=context.cpu_settings)

class WordFolder(FileKind):
    about = "a folder with word.txt"

    def recognises(self, file):
        return (file.path / "word.txt").is_file()

    def load(self, file, context):
        return black_box((file.path / "word.txt").read_text(), context)

class Word(KeyKind):
    key = "word"
    about = "the class of mails with an offer"

    def check(self, value, references):
        pass

    def load(self, value, context):
        return black_box(value, context)

class Hasty(FileKind):
    about = "a file that is opened too early"

    def recognises(self, file):
        raise RuntimeError("cannot look")

    def load(self, file, context):
        raise NotImplementedError

class Unfinished(FileKind):
    about = "half a kind"

    def recognises(self, file):
        return True

class Nameless(Word):
    about = None

class Taken(Word):
    key = "file"

class Neither(TargetKind):
    about = "no kind at all"
"""
BROKEN = {
    "absent": "no_such_module:Kind",
    "hasty": "toy_kinds:Hasty",
    "nameless": "toy_kinds:Nameless",
    "neither": "toy_kinds:Neither",
    "number": "toy_kinds:__doc__",
    "taken": "toy_kinds:Taken",
    "unfinished": "toy_kinds:Unfinished",
}
SAYS = {
    "absent": "ModuleNotFoundError",
    "hasty": "RuntimeError: cannot look",
    "nameless": "it does not declare about",
    "neither": "it is derived from none of",
    "number": "it is not a subclass of goalkeeper.describe.kinds.base.TargetKind",
    "taken": "model.file is taken",
    "unfinished": "it does not define load",
}
ASK = """\
import sys
from goalkeeper.core.power import View
from goalkeeper.describe import check, load, schema
for path in sys.argv[1:]:
    assert check(path) == (), check(path)
    app = load(path)
    answers = app.target.answer(app.data.holdout.x, View.LABELS)
    print(sorted(app.hashes), (answers.labels == app.data.holdout.y).mean() > 0.5)
print(schema()["$defs"]["ModelForm"]["properties"]["word"]["description"])
print(schema()["$defs"]["ModelForm"]["properties"]["file"]["description"])
"""


def install(folder: Path, points: dict[str, str]) -> None:
    """Write the plug-in as pip would install it."""
    metadata = folder / "toy_kinds-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "toy_kinds.py").write_text(PLUGIN, encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy_kinds\nVersion: 1.0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (metadata / "entry_points.txt").write_text(f"[goalkeeper.targets]\n{lines}")


def ask(plugins: Path, *applications: Path) -> subprocess.CompletedProcess[str]:
    """Load applications in a process that has the plug-in on its path."""
    return subprocess.run(
        [sys.executable, "-c", ASK, *map(str, applications)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(plugins), str(SRC)])},
        capture_output=True,
        text=True,
        check=False,
    )


def application(folder: Path, model: str) -> Path:
    """Write an application file whose model is described by one line."""
    folder.mkdir()
    lines = mail_lines(400)
    path = split_app(folder, lines[:200], [lines[0], *lines[200:]])
    text = path.read_text(encoding="utf-8").replace("build: filter.py:build", model)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def applications(tmp_path: Path) -> tuple[Path, Path]:
    by_key = application(tmp_path / "key", "word: spam")
    by_folder = application(tmp_path / "folder", "file: model")
    (tmp_path / "folder" / "model").mkdir()
    (tmp_path / "folder" / "model" / "word.txt").write_text("spam", encoding="utf-8")
    return by_key, by_folder


def test_a_plugin_kind_is_used_and_broken_ones_are_left_out(
    applications: tuple[Path, Path], tmp_path: Path
) -> None:
    points = {"word": "toy_kinds:Word", "word_folder": "toy_kinds:WordFolder", **BROKEN}
    install(tmp_path / "site", points)
    done = ask(tmp_path / "site", *applications)
    assert done.returncode == 0, done.stderr
    key, folder, *words = done.stdout.splitlines()
    assert key.endswith("True")
    assert folder.endswith("True")
    assert "'model'" in folder
    assert words[0] == "the class of mails with an offer"
    assert "a folder with word.txt" in words[1]
    for name, said in SAYS.items():
        lines = [s for s in done.stderr.splitlines() if f" {name} " in s and "left out" in s]
        assert any(said in line for line in lines), (name, done.stderr)


def test_without_the_plugin_the_key_is_unknown(
    applications: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    done = ask(tmp_path / "site", applications[0])
    assert done.returncode == 1
    assert "model.word: there is no such key" in done.stderr
