"""The plug-in for pytest: verdicts are outcomes of tests, of one assessment a session."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import goalkeeper.compute.folder  # noqa: F401 - or sessions inside these tests would import it
from goalkeeper import pytest_plugin
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.examples import write_example
from tests.docs.pages import DOCS, ROOT, titled
from tests.report import sample

pytest_plugins = ["pytester"]

ONLY_OURS = ("-p", "goalkeeper.pytest_plugin")
HEAVY = {"goalkeeper", "numpy", "pandas", "scipy", "sklearn", "torch", "pydantic"}
TEST = """
import pytest

@pytest.mark.parametrize("goal", ["integrity", "availability", "confidentiality", "privacy"])
def test_goal(goal, goalkeeper_goal):
    assert goalkeeper_goal(goal).goal == goal
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions inside these tests load no other plug-ins: that takes most of their time."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def runtest(pytester: pytest.Pytester, *words: str | Path) -> pytest.RunResult:
    before, added = set(sys.modules), set[str]()

    class Watch:
        """Sees what the session imports: pytester forgets it, and a second copy does harm."""

        def pytest_unconfigure(self) -> None:
            added.update(m for m in set(sys.modules) - before if not m.startswith("test_"))

    done = pytester.runpytest_inprocess(*ONLY_OURS, "-rs", *words, plugins=[Watch()])
    assert not {m for m in added if m.partition(".")[0] in HEAVY}
    return done


def saved(folder: Path, assessment: Assessment) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    assessment.save(folder / "assessment.json")
    return folder


def rated(**verdicts: Verdict) -> Assessment:
    made = sample.assessment()
    goals = {
        goal: rating.model_copy(update={"verdict": verdicts.get(goal, Verdict.MET)})
        for goal, rating in made.goals.items()
    }
    tested = tuple(e for e in made.evidence if e.status is Status.TESTED)
    return made.model_copy(update={"goals": goals, "evidence": tested})


def test_verdicts_are_outcomes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    folder = saved(
        pytester.path / "run",
        rated(
            integrity=Verdict.NOT_MET,
            availability=Verdict.INCONCLUSIVE,
            privacy=Verdict.NOT_ASSESSED,
        ),
    )
    done = runtest(pytester, "--goalkeeper-run", folder)
    done.assert_outcomes(failed=1, skipped=2, passed=1)
    text = done.stdout.str()
    assert "integrity is not met: An outsider lets spam pass" in text
    assert f"read the report: {folder / 'report.html'}" in text
    assert "availability is inconclusive: Relabelling feedback may decline" in " ".join(
        text.split()
    )
    assert "privacy is not assessed: no need for it was declared" in text


def test_inconclusive_fails_where_that_is_chosen(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    verdicts = {"availability": Verdict.INCONCLUSIVE, "privacy": Verdict.NOT_ASSESSED}
    folder = saved(pytester.path / "run", rated(**verdicts))
    pytester.makeini("[pytest]\ngoalkeeper_inconclusive = fail\n")
    runtest(pytester, "--goalkeeper-run", folder).assert_outcomes(failed=2, passed=2)
    pytester.makeini("[pytest]\ngoalkeeper_inconclusive = perhaps\n")
    done = runtest(pytester, "--goalkeeper-run", folder)
    assert "'perhaps': expected skip or fail" in done.stdout.str()


def test_an_attack_that_failed_to_run_is_no_success_and_no_skip(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(TEST)
    made = rated(availability=Verdict.INCONCLUSIVE)
    failed = next(e for e in sample.assessment().evidence if e.status is Status.FAILED_TO_RUN)
    failed = failed.model_copy(update={"goals": (Goal.AVAILABILITY,)})
    made = made.model_copy(update={"evidence": (*made.evidence, failed)})
    done = runtest(pytester, "--goalkeeper-run", saved(pytester.path / "run", made))
    done.assert_outcomes(failed=1, passed=3)
    assert (
        "availability is inconclusive, and 1 of its attack runs failed to run" in done.stdout.str()
    )


def test_a_goal_that_there_is_not_is_explained(pytester: pytest.Pytester) -> None:
    pytester.makepyfile('def test_it(goalkeeper_goal):\n    goalkeeper_goal("privcy")\n')
    done = runtest(pytester, "--goalkeeper-run", saved(pytester.path / "run", rated()))
    done.assert_outcomes(failed=1)
    assert "privcy is no goal: expected one of integrity" in done.stdout.str()


def test_a_run_of_another_state_of_the_application_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    model = pytester.path / "model.joblib"
    model.write_bytes(b"today")
    (pytester.path / "application.yaml").touch()

    def run_of(content: bytes) -> pytest.RunResult:
        made = rated()
        hashes = {"model.joblib": hashlib.sha256(content).hexdigest()}
        app = made.application.model_copy(update={"hashes": hashes})
        folder = saved(pytester.path / "run", made.model_copy(update={"application": app}))
        return runtest(pytester, "--goalkeeper-run", folder)

    run_of(b"today").assert_outcomes(passed=4)
    stale = run_of(b"yesterday")
    stale.assert_outcomes(failed=4)
    assert "was made of another state of model.joblib" in stale.stdout.str()


def test_one_assessment_a_session(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests share it, and so do processes: those of one session have one id."""
    made: list[tuple[Path, str]] = []

    def run(application: Path, folder: Path, limit: str) -> str:
        made.append((application, limit))
        saved(folder, rated())
        return ""

    monkeypatch.setattr(pytest_plugin, "_run", run)
    pytester.makepyfile(TEST)
    runtest(pytester, "--goalkeeper-time", "3m").assert_outcomes(passed=4)
    assert made == [(pytester.path / "application.yaml", "3m")]
    runtest(pytester).assert_outcomes(passed=4)
    assert len(made) == 2, "another session assesses what may have changed"

    class Worker:
        """Gives the processes of a session what pytest-xdist gives them."""

        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(self, config: Any) -> None:
            config.workerinput = {"testrunuid": "one session", "workerid": "gw0"}

    for _ in range(2):
        done = pytester.inline_run(*ONLY_OURS, plugins=[Worker()])
        done.assertoutcome(passed=4)
    assert len(made) == 3, "the second process reads what the first one has assessed"


def test_a_failed_assessment_is_not_tried_again_by_every_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def run(application: Path, folder: Path, limit: str) -> str:
        made.append(application)
        return "the model cannot be loaded"

    monkeypatch.setattr(pytest_plugin, "_run", run)
    pytester.makepyfile(TEST)
    done = runtest(pytester)
    done.assert_outcomes(failed=4)
    assert "the model cannot be loaded" in done.stdout.str()
    assert len(made) == 1


def test_who_does_not_use_it_imports_nothing() -> None:
    """Installed plug-ins are imported by every pytest of that environment."""
    code = (
        "import sys, pytest; before = set(sys.modules); import goalkeeper.pytest_plugin; "
        "print(*sorted(m for m in set(sys.modules) - before if '.' not in m))"
        "; print(*sorted(m for m in sys.modules if m.startswith('goalkeeper')))"
    )
    env = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    others, ours = done.stdout.splitlines()
    assert ours.split() == ["goalkeeper", "goalkeeper.pytest_plugin"]
    assert not {"numpy", "pydantic", "pandas", "yaml", "typer"} & set(others.split())


def test_it_is_an_entry_point_of_pytest() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"goalkeeper": "goalkeeper.pytest_plugin"}


@pytest.mark.validation
def test_a_session_with_several_processes_runs_the_attacks_once(pytester: pytest.Pytester) -> None:
    """The example of the page, with pytest-xdist, on the bundled spam filter."""
    write_example("spam-filter", pytester.path / "filter", size=700)
    pytester.makepyfile(titled(DOCS / "how-to" / "ci.md", "test_security.py"))
    pytester.makeini("[pytest]\ngoalkeeper_application = filter/application.yaml\n")
    done = pytester.runpytest_subprocess(
        *ONLY_OURS, "-p", "xdist", "-n", "2", "--goalkeeper-time", "60s", "-rA", timeout=600
    )
    outcomes = done.parseoutcomes()
    assert outcomes.get("failed", 0) >= 1, done.stdout.str()
    assert "is not met" in done.stdout.str()
    assert len(list(pytester.path.rglob("assessment.json"))) == 1
