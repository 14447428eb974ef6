"""The command line, as a user types it.

Each verb runs once in a process of its own; what else there is to say of it, in this one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from goalkeeper.cli.exits import Exit
from goalkeeper.cli.main import build
from tests.cli.inline import inline
from tests.cli.running import COMMAND, goalkeeper

# The documentation's test runs the whole tutorial, with every attack.
FEW = ("--attack", "good_words_blind", "--attack", "malformed_inputs", "--attack", "label_flips")


@pytest.fixture(scope="module")
def finished(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    done = goalkeeper("run", small, "-o", folder, *FEW)
    assert done.returncode in {Exit.MET, Exit.NOT_MET, Exit.INCONCLUSIVE}, done.stderr
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_help_teaches_and_imports_little() -> None:
    done = goalkeeper("--help")
    assert done.returncode == 0
    for verb in (
        "init",
        "check",
        "plan",
        "run",
        "show",
        "report",
        "verify",
        "list",
        "store",
        "doctor",
    ):
        assert verb in done.stdout
    code = (
        "import sys; from goalkeeper.cli.main import build; build();"
        "print([n for n in ('numpy', 'pandas', 'sklearn', 'matplotlib') if n in sys.modules])"
    )
    loaded = subprocess.run([COMMAND[0], "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_init_writes_a_template_and_never_overwrites(tmp_path: Path) -> None:
    done = goalkeeper("init", tmp_path / "mine")
    assert done.returncode == 0
    assert "next: edit" in done.stdout
    assert (tmp_path / "mine" / "application.yaml").exists()
    again = inline("init", tmp_path / "mine")
    assert again.code == Exit.USAGE
    assert "not empty" in again.err


def test_check_says_what_is_there(small: Path) -> None:
    done = goalkeeper("check", small)
    assert done.returncode == 0, done.stderr
    assert "valid" in done.stdout
    assert "next: goalkeeper plan" in done.stdout


@pytest.mark.requirement("S5")
def test_plan_gives_a_reason_for_everything_skipped(small: Path) -> None:
    rows = json.loads(goalkeeper("plan", small, "--json").stdout)
    assert {row["status"] for row in rows} == {"planned", "skipped"}
    assert all(row["reasons"] for row in rows if row["status"] == "skipped")
    text = inline("plan", small).out
    assert text.splitlines()[-1] == f"next: goalkeeper run {small} -o {small.parent / 'run'}"
    assert "…" not in text, "a name that is cut cannot be given to --attack"  # 80 columns
    assert "if a quarter of each sample settles it, at most about" in " ".join(text.split())


def test_plan_names_the_run_that_it_planned(small: Path) -> None:
    given = ["--only", "integrity", "--attacker", "outsider", "--exhaustive", "--effort", "0.5"]
    given += ["--attack", "square", "--attack", "malformed_inputs", "--time", "40m", "--seed", "3"]
    then = inline("plan", small, *given).out.splitlines()[-1].split(" -o ")[1].split()[1:]
    assert sorted(then) == sorted(given)


def test_run_writes_what_it_says(finished: Path) -> None:
    names = {p.name for p in finished.iterdir()}
    assert {"run.json", "assessment.json", "report.html", "units", "MANIFEST.sha256"} <= names
    assessment = json.loads((finished / "assessment.json").read_text())
    assert set(assessment["goals"]) == {"integrity", "availability", "confidentiality", "privacy"}
    assert assessment["complete"] is True


def test_a_second_run_plays_nothing_again(small: Path, copy: Path) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in (copy / "units").iterdir()}
    done = inline("run", small, "-o", copy, *FEW)
    assert "done already" in done.err
    assert {p.name: p.stat().st_mtime_ns for p in (copy / "units").iterdir()} == before


def test_a_run_writes_formats_beside_its_folder_which_still_verifies(
    small: Path, copy: Path
) -> None:
    done = inline("run", small, "-o", copy, *FEW, "--format", "sarif,junit")
    reports = copy.with_name(f"{copy.name}-reports")
    assert {p.name for p in reports.iterdir()} == {"report.sarif", "junit.xml"}
    assert f"written: {reports / 'junit.xml'}" in done.out
    assert inline("verify", copy).code == 0
    places = {
        result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in json.loads((reports / "report.sarif").read_text())["runs"][0]["results"]
    }
    assert min(places) > 1, "every finding is at a line of the description"


def test_show_and_report_render_the_same_assessment(finished: Path) -> None:
    assert "integrity" in goalkeeper("show", finished).stdout.lower()
    as_json = goalkeeper("report", finished, "--format", "json")
    assert as_json.stdout == (finished / "assessment.json").read_text()
    assert inline("report", finished, "--format", "html").out.startswith("<!DOCTYPE html>")


def test_verify_passes_and_notices_one_changed_byte(copy: Path) -> None:
    done = goalkeeper("verify", copy)
    assert done.returncode == 0, done.stdout
    path = copy / "assessment.json"
    path.write_bytes(path.read_bytes().replace(b'"not_met"', b'"met"    ', 1))
    changed = inline("verify", copy)
    assert changed.code == Exit.NOT_MET
    assert "assessment.json: changed since the run" in changed.out


def test_verify_recomputes_verdicts_even_when_every_hash_was_made_to_fit(copy: Path) -> None:
    from goalkeeper.compute.folder import RunFolder

    path = copy / "assessment.json"
    content = path.read_text()
    other = "met" if '"verdict": "not_met"' in content else "not_met"
    first = content.index('"verdict": "')
    end = content.index('"', first + len('"verdict": "'))
    path.write_text(content[:first] + f'"verdict": "{other}' + content[end:])
    RunFolder(copy).seal()
    done = inline("verify", copy)
    assert done.code == Exit.NOT_MET
    assert "verdict" in done.out


def test_list_json_is_json_only() -> None:
    rows = json.loads(goalkeeper("list", "attacks", "--json").stdout)
    assert {"name", "game", "family", "variant", "needs", "reference"} <= set(rows[0])
    for what in ("games", "attackers", "variants"):
        assert json.loads(inline("list", what, "--json").out)


@pytest.mark.parametrize("verb", ["doctor", "store"])
def test_what_looks_after_the_installation_runs(verb: str) -> None:
    done = goalkeeper(verb)
    assert done.returncode == 0
    assert done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml"),
        (["runn"], "No such command"),
        (["show", "."], "assessment.json"),
        (["list", "attack"], "attack"),
    ],
)
def test_usage_errors_exit_4_and_say_what_to_do(
    words: list[str], said: str, tmp_path: Path
) -> None:
    done = inline(*words, cwd=tmp_path)
    assert done.code == Exit.USAGE
    assert said in done.err
    assert "Traceback" not in done.err


def test_an_error_of_a_process_is_its_exit_code_and_nothing_on_standard_output(
    tmp_path: Path,
) -> None:
    done = goalkeeper("show", ".", cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert "assessment.json" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("option", "near"),
    [
        (("--attack", "los_threshold"), "loss_threshold"),
        (("--attacker", "outsidr"), "outsider"),
        (("--only", "privcy"), "privacy"),
        (("--set", "loss_threshold"), "attack.key=value"),
        (("--time", "soon"), "10m"),
    ],
)
def test_a_choice_that_does_not_exist_names_the_nearest(
    small: Path, option: tuple[str, str], near: str, tmp_path: Path
) -> None:
    done = inline("run", small, "-o", tmp_path / "r", *option)
    assert done.code == Exit.USAGE
    assert near in done.err


def test_an_attack_that_fails_is_seen_in_exit_code_and_text(small: Path, tmp_path: Path) -> None:
    """The model breaks on long texts, which no honest mail is: some attacks cannot be marked."""
    folder = Path(shutil.copytree(small.parent, tmp_path / "a"))
    (folder / "filter.py").write_text(
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "from sklearn.naive_bayes import MultinomialNB\n"
        "from sklearn.pipeline import make_pipeline\n"
        "class Fragile(CountVectorizer):\n"
        "    def transform(self, texts):\n"
        "        if max(map(len, texts)) > 1500:\n"
        "            raise RuntimeError('text too long')\n"
        "        return super().transform(texts)\n"
        "def build():\n"
        "    return make_pipeline(Fragile(), MultinomialNB())\n"
        "def react(label, scores):\n"
        "    return 'inbox' if label == 'ham' else 'spam folder'\n"
    )
    words = ("--attack", "good_words_from_substitute", "--jobs", "1")
    done = inline("run", folder / "application.yaml", "-o", tmp_path / "r", *words)
    assert done.code == Exit.FAILED, done.err
    assert "failed: good_words" in done.out
    assert "text too long" in done.out
    assert (tmp_path / "r" / "report.html").exists()


def test_an_attacker_without_power_runs_nothing(small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.parent, tmp_path / "a"))
    path = folder / "application.yaml"
    content = yaml.safe_load(path.read_text())
    content["attackers"] = [
        {
            "name": "nobody",
            "based_on": "outsider",
            "capabilities": [],
            "view": "nothing",
            "budget": {"queries": 0},
        }
    ]
    path.write_text(yaml.safe_dump(content))
    done = inline("run", path, "-o", tmp_path / "r")
    assert done.code == Exit.NOTHING, done.err


def test_an_application_without_any_need_is_not_called_safe(small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.parent, tmp_path / "a"))
    path = folder / "application.yaml"
    content = yaml.safe_load(path.read_text())
    none = {"none": "Nothing depends on it."}
    content["needs"] = dict.fromkeys(content["needs"], none)
    path.write_text(yaml.safe_dump(content))
    done = inline("run", path, "-o", tmp_path / "r", "--attack", "good_words_blind")
    assert done.code == Exit.NOTHING, done.err


@pytest.mark.parametrize("what", ["attacks", "games", "attackers", "variants"])
def test_lists_cut_no_name_and_no_word(what: str) -> None:
    rows = json.loads(CliRunner().invoke(build(), ["list", what, "--json"]).stdout)
    text = CliRunner().invoke(build(), ["list", what]).stdout
    assert "\u2026" not in text
    assert all(row["name"] in text for row in rows)
