"""What careless and hostile users type and write: the right exit code, and what to do next."""

from __future__ import annotations

import hashlib
import json
import pickle
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from goalkeeper.cli.exits import Exit
from tests.cli.inline import inline
from tests.cli.running import goalkeeper
from tests.describe.writing import (
    BASE,
    TABLE,
    line_of,
    mail_lines,
    table_lines,
    write_table_app,
    write_text_app,
)

MODEL = """\
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

class Moody(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self
    def predict(self, X):
        return np.array(["offer" in text or "click" in text for text in X]).astype(int)
{methods}
def build():
    return Moody()
"""
RANDOM = "    def predict(self, X):\n        return np.random.default_rng().integers(0, 2, len(X))"
CONSTANT = "    def predict(self, X):\n        return np.zeros(len(X), dtype=int)"
SCORES = "    def predict_proba(self, X):\n        return np.full((len(X), 2), np.nan)"
PARTS = "  parts: {train: 0.4, holdout: 0.25, calibration: 0.1, similar: 0.25}\n"
ONE = BASE.replace("[outsider, customer]", "[outsider]")


def refused(path: Path, *says: str, verb: str = "check") -> None:
    """Require exit code 4, all words, the next command, and no traceback."""
    done = inline(verb, path)
    assert done.code == Exit.USAGE, done
    assert all(word in done.err for word in says), done.err
    assert f"next: fix this, then run again: goalkeeper {verb}" in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


@dataclass(frozen=True)
class Text:
    """A mistake in the application file: `old` becomes `new`, told at the line with `marker`."""

    id: str
    old: str
    new: str
    key: str
    marker: str
    says: tuple[str, ...]


TEXTS = (
    Text("unknown-key", "harmless: ham", "colour: red", "colour", "colour", ("one of goalkeeper",)),
    Text("misspelt-key", "  label: label", "  lable: label", "data.lable", "lable", ("label?",)),
    Text("text-column", "text: text", "text: txet", "data.text", "txet", ("text?",)),
    Text("need-missing", "  confidentiality:\n    none: The filter is published.\n", "",
         "needs.confidentiality", "needs:", ("add `confidentiality: ...`",)),
    Text("need-without-reason", ", reason: The mail is private.", "",
         "needs.privacy.self_determination.reason", "self_det", ("missing", "an auditor")),
    Text("negative-budget", "[outsider, customer]",
         "\n  - {name: Eve, based_on: outsider, budget: {queries: -5}}",
         "attackers[0].budget.queries", "Eve", ("at least 0", "given:    -5")),
    Text("share-above-1", "[outsider, customer]",
         "\n  - {name: Eve, based_on: outsider, budget: {share: 1.5}}",
         "attackers[0].budget.share", "Eve", ("at most 1", "given:    1.5")),
    Text("part-above-1", "train: 0.4", "train: 1.4", "data.parts.train", "parts", ("below 1",)),
    Text("no-attacker", "[outsider, customer]", "[]", "attackers", "attackers", ("at least 1",)),
)  # fmt: skip


@pytest.mark.parametrize("bad", TEXTS, ids=[bad.id for bad in TEXTS])
def test_a_mistake_in_the_file_is_told_once_with_line_and_key(bad: Text, tmp_path: Path) -> None:
    text = BASE.replace(bad.old, bad.new, 1)
    path = write_text_app(tmp_path, text)
    refused(path, f"error: app.yaml:{line_of(text, bad.marker)}: {bad.key}: ", *bad.says)
    assert inline("check", path).err.count("app.yaml:") == 1


MAIL = mail_lines()
DATA: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no-line": ([""], ("not well-formed", "mail.csv")),
    "header-only": (MAIL[:1], ("0 records are too few", "50 or more")),
    "30-mails": (MAIL[:31], ("30 records are too few",)),
    "one-class": ([x for x in MAIL if ",spam," not in x], ("no record is of class spam",)),
    "odd-label": ([*MAIL, "a b,eggs,p1,work"], ("record 241 of mail.csv", "'eggs'", "ham, spam")),
    "no-text": ([x.split(",", 1)[1] for x in MAIL], ("mail.csv has no column text",)),
}


@pytest.mark.parametrize("name", DATA)
def test_mails_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    lines, says = DATA[name]
    refused(write_text_app(tmp_path, lines=lines), *says)


def test_an_empty_csv_file(tmp_path: Path) -> None:
    path = write_text_app(tmp_path)
    (tmp_path / "mail.csv").write_bytes(b"")
    refused(path, "app.yaml:6: data.file: the data file is empty", "do: ")


def test_features_that_are_missing(tmp_path: Path) -> None:
    path = write_table_app(tmp_path, lines=[*table_lines(), *["40,nan,baker,yes"] * 20])
    refused(path, "app.yaml:4: data: the model takes no missing values", "income", "SimpleImputer")


@pytest.mark.parametrize("value", ["inf", "-inf", "1e999"])
def test_features_that_are_not_numbers(value: str, tmp_path: Path) -> None:
    path = write_table_app(tmp_path, lines=[*table_lines(), f"40,{value},baker,yes"])
    refused(path, "app.yaml:4: data: record 241 of table.csv", "column income", "drop: [income]")


ROWS = np.random.default_rng(0).normal(size=(200, 3))
LABELS = (ROWS[:, 0] > 0).astype(int)
ARRAYS: dict[str, tuple[NDArray[Any], NDArray[Any], str]] = {
    "short": (ROWS, LABELS[:100], "200 inputs, classes (100,)"),
    "no-axis": (np.array(3.0), LABELS, "inputs of shape () are not of a known kind"),
    "five-axes": (ROWS.reshape(200, 3, 1, 1, 1), LABELS, "are not of a known kind"),
    "no-column": (ROWS[:, :0], LABELS, "no column is left for the model"),
    "complex": (ROWS + 1j, LABELS, "column x0 holds complex numbers"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit(name: str, tmp_path: Path) -> None:
    x, y, says = ARRAYS[name]
    np.savez(tmp_path / "a.npz", x=x, y=y)
    text = TABLE.replace("file: table.csv\n  label: label", "file: a.npz")
    refused(write_table_app(tmp_path, text.replace("[no, yes]", "[0, 1]")), "app.yaml:", says)


def test_a_parquet_file_that_is_csv(tmp_path: Path) -> None:
    path = write_text_app(tmp_path, BASE.replace("mail.csv", "mail.parquet"))
    shutil.move(tmp_path / "mail.csv", tmp_path / "mail.parquet")
    refused(path, "app.yaml:6: data.file", "it should be Parquet, but it starts like text")


# ---- models ----------------------------------------------------------------------------------

MODELS = {
    "fit": ("    def fit(self, X, y):\n        raise ValueError('too odd')", "ValueError: too odd"),
    "fit-exits": ("    def fit(self, X, y):\n        raise SystemExit(0)", "raised SystemExit: 0"),
    "predict": ("    def predict(self, X):\n        raise KeyError('oops')", "KeyError: 'oops'"),
    "predict-exits": ("    def predict(self, X):\n        raise SystemExit(0)", "SystemExit: 0"),
    "nan": (SCORES, "NaN or infinite numbers for 50 of 50 inputs"),
    "length": ("    def predict(self, X):\n        return np.zeros(3, dtype=int)", "shape (3,)"),
    "class": ("    def predict(self, X):\n        return np.full(len(X), 7)", "['ham', 'spam']"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_does_not_work(name: str, tmp_path: Path) -> None:
    methods, says = MODELS[name]
    path = write_text_app(tmp_path)
    (tmp_path / "filter.py").write_text(MODEL.format(methods=methods))
    refused(path, "app.yaml:13: model.build: ", says, "do: ")


CODE = {
    "none": ("def build():\n    return None\n", "build() returned None"),
    "syntax": ("x = 1\ndef build(:\n    pass\n", "fix filter.py line 2"),
    "import": ("import no_such_package\ndef build(): ...\n", "No module named 'no_such_package'"),
    "own-error": ("class Odd(Exception): ...\ndef build():\n    raise Odd('x')\n", "Odd: x"),
    "exit": ("import sys\nsys.exit(0)\ndef build(): ...\n", "filter.py raised SystemExit: 0"),
}


@pytest.mark.parametrize("name", CODE)
def test_python_code_that_does_not_work(name: str, tmp_path: Path) -> None:
    code, says = CODE[name]
    path = write_text_app(tmp_path)
    (tmp_path / "filter.py").write_text(code)
    refused(path, "app.yaml:13: model.build: ", says, "do: ")


class Leaving:
    """Ends the process when its pickle is opened."""

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return exit, (0,)


SOUND = pickle.dumps({"a": 1})
PICKLES = {
    "untrusted": (SOUND, "", "holds a dict, and no model alone"),
    "no-hash": (SOUND, "  trust: true\n", "holds a dict, and no model alone"),
    "dangerous-name": (SOUND, "  trust_names: [os.system]\n", "it is never allowed"),
    "missing-module": (SOUND, "  trust_names: [no_such.Thing]\n", "importing no_such raised"),
    "odd-name": (SOUND, "  trust_names: [Thing]\n", "trust_names"),
    "wrong-hash": (SOUND, f"  trust: true\n  sha256: {'0' * 64}\n", "not the one that you trusted"),
    "no-pickle": (b"hello world", "HASH", "is not a model of a kind that goalkeeper can"),
    "cut-off": (SOUND[:-3], "HASH", "cannot be loaded"),
    "no-model": (SOUND, "HASH", "holds a dict, and no model alone"),
    "exits": (pickle.dumps(Leaving()), "HASH", "cannot be loaded safely: it names"),
}


@pytest.mark.parametrize("name", PICKLES)
def test_a_stored_model_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    content, lines, says = PICKLES[name]
    digest = hashlib.sha256(content).hexdigest()
    lines = f"  trust: true\n  sha256: {digest}\n" if lines == "HASH" else lines
    text = BASE.replace("  build: filter.py:build\n", "  file: m.pickle\n" + lines)
    parts = ["part", *("train" if i % 2 else "test" for i in range(len(MAIL) - 1))]
    mails = [f"{line},{part}" for line, part in zip(MAIL, parts, strict=True)]
    path = write_text_app(tmp_path, text.replace(PARTS, "  part: part\n"), mails)
    (tmp_path / "m.pickle").write_bytes(content)
    refused(path, "app.yaml:", "model.", says, "do: ")


@pytest.mark.parametrize(
    ("methods", "says"),
    [(RANDOM, "the model is not deterministic"), (CONSTANT, "gives one and the same answer")],
)
def test_odd_answers_are_caveats_of_check_and_assessment(
    methods: str, says: str, tmp_path: Path
) -> None:
    path = write_text_app(tmp_path, ONE)
    (tmp_path / "filter.py").write_text(MODEL.format(methods=methods))
    done = inline("check", path)
    assert done.code == 0
    assert any(says in line for line in done.out.splitlines() if line.startswith("  note: "))
    words = ("--attack", "loss_threshold", "--json", "--jobs", "1")
    ran = inline("run", path, "-o", tmp_path / "r", *words)
    assessment = json.loads(ran.out)
    assert any(says in caveat for caveat in assessment["application"]["caveats"])
    assert assessment["verdict"] != "met"
    assert ran.code != Exit.MET


def test_a_model_that_prints_leaves_json_alone(tmp_path: Path) -> None:
    path = write_text_app(tmp_path, ONE)
    methods = CONSTANT.replace("        return", "        print('noise')\n        return")
    (tmp_path / "filter.py").write_text("print('noise')\n" + MODEL.format(methods=methods))
    assert json.loads(inline("check", path, "--json").out)["usable"] is True
    words = ("--json", "--jobs", "2", "--attack", "good_words_blind")  # two attack runs
    done = goalkeeper("run", path, "-o", tmp_path / "r", *words)
    assert json.loads(done.stdout)["complete"] is True
    assert "noise" in done.stderr


# ---- options ---------------------------------------------------------------------------------

OPTIONS = {
    "time-0": (("--time", "0"), ("--time", "e.g. 90s", "given:    0")),
    "time-too-short": (("--time", "5s"), ("--time", "more than 5s", "given:    5s")),
    "time-negative": (("--time", "-5"), ("--time", "given:    -5")),
    "time-nan": (("--time", "nan"), ("--time", "given:    nan")),
    "jobs": (("--jobs", "-1"), ("--jobs", "greater than or equal to 0", "run --help")),
    "seed": (("--seed", "-1"), ("--seed", "greater than or equal to 0")),
    "set": (("--set", "loss_threshold.x=[1"), ("--set", "given:    [1")),
    "only": (("--only", "privcy"), ("--only", "privacy")),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_make_no_sense(name: str, tmp_path: Path) -> None:
    words, says = OPTIONS[name]
    done = inline("run", tmp_path / "app.yaml", "-o", tmp_path / "r", *words)
    assert done.code == Exit.USAGE
    assert all(word in done.err for word in (*says, "next: ")), done.err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("place", ["file", "file/run", "full", ""])
def test_a_run_folder_that_cannot_be_one(place: str, tmp_path: Path) -> None:
    path = write_text_app(tmp_path, ONE)
    (tmp_path / "file").write_text("kept")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("kept")
    done = inline("run", path, "-o", place, cwd=tmp_path)
    assert done.code == Exit.USAGE
    assert "choose a" in done.err
    assert shlex.join(["-o", place]) in done.err
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert not (tmp_path / "units").exists()


@pytest.mark.parametrize("verb", ["show", "verify", "report"])
@pytest.mark.parametrize("place", ["nowhere", "app.yaml"])
def test_reading_what_is_no_run(verb: str, place: str, tmp_path: Path) -> None:
    write_text_app(tmp_path)
    refused(
        tmp_path / place, "contains no assessment.json", "goalkeeper run FILE -o DIR", verb=verb
    )


def test_writing_where_nothing_can_be_written(tmp_path: Path) -> None:
    write_text_app(tmp_path)
    file = tmp_path / "app.yaml"
    commands: tuple[tuple[str | Path, ...], ...] = (
        ("init", file / "new"),
        ("init", file),
        ("report", tmp_path, "--format", "schema", "-o", file / "new"),
    )
    for words in commands:
        done = inline(*words)
        assert done.code == Exit.USAGE
        assert "cannot be written (Not a directory)" in done.err


def test_version_help_and_nothing_at_all() -> None:
    assert inline("--version").out.startswith("goalkeeper 0.")
    assert inline("run", "--help").code == 0
    nothing = inline()
    assert nothing.code == Exit.USAGE
    assert nothing.err.count("Usage:") == 1


# ---- what is odd but right -------------------------------------------------------------------


def test_spaces_unicode_windows_lines_and_another_folder(tmp_path: Path) -> None:
    folder = tmp_path / "Mails für 邮件 (alt)"
    folder.mkdir()
    write_text_app(folder, ONE)
    for name in ("app.yaml", "mail.csv", "filter.py"):
        file = folder / name
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    file = Path("..") / folder.name / "app.yaml"
    words = ("--attack", "good_words_blind", "--jobs", "1")
    done = inline("run", file, "-o", "mein lauf", *words, cwd=elsewhere)
    assert done.code in {Exit.MET, Exit.NOT_MET, Exit.INCONCLUSIVE}, done.err
    frozen = json.loads((elsewhere / "mein lauf" / "run.json").read_text(encoding="utf-8"))
    assert frozen["file"] == str(file)
    then = done.out.splitlines()[-1].removeprefix("next: ")
    assert shlex.split(then) == ["goalkeeper", "verify", "mein lauf"]
    assert inline(*shlex.split(then)[1:], cwd=elsewhere).code == 0


def test_no_query_and_little_data_are_never_green(tmp_path: Path) -> None:
    budget = "\n  - {name: Eve, based_on: customer, budget: {queries: 0}}\n  - outsider"
    text = BASE.replace("[outsider, customer]", budget)
    path = write_text_app(tmp_path, text, mail_lines(90))
    done = inline("run", path, "-o", tmp_path / "r", "--jobs", "1", "--effort", "0.25", "--json")
    assessment = json.loads(done.out)
    assert "met" not in {goal["verdict"] for goal in assessment["goals"].values()}
    assert done.code != Exit.MET
    assert "the holdout has only" in " ".join(assessment["application"]["caveats"])
    eve = [e for e in assessment["evidence"] if e["attacker"] == "Eve" and e["unit"]]
    assert sum(e["result"]["cost"]["queries"] for e in eve) == 0
