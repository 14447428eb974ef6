"""The plug-in for pytest: a test that passes where a security goal is met.

    def test_privacy(goalkeeper_goal):
        goalkeeper_goal("privacy", application="application.yaml")

The application is assessed once for all tests of a session, also where they run in several
processes. Nothing of goalkeeper is imported before a test asks for a goal.
"""

from __future__ import annotations

import hashlib
import os
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from goalkeeper.core.assessment import Assessment, GoalRating
    from goalkeeper.core.evidence import Evidence

ASK = Callable[..., "GoalRating"]
SKIP, FAIL = "skip", "fail"
SESSION = "session"  # the file that says for which session the folder beside it was run

NOT_MET = "{goal} is not met: {reason}\nread the report: {report}"
FAILED = "{goal} is {verdict}, and {number} of its attack runs failed to run: {reason}"
UNDECIDED = "{goal} is {verdict}: {reason}"
NO_NEED = "no need for it was declared, or no attack was planned for it"
ANOTHER = (
    "the run in {folder} was made of another state of {name}: run it again, or leave out "
    "--goalkeeper-run"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the settings."""
    group = parser.getgroup("goalkeeper", "security goals of AI applications")
    group.addoption(
        "--goalkeeper-run",
        metavar="DIR",
        help="Use this finished run of goalkeeper instead of running attacks.",
    )
    group.addoption(
        "--goalkeeper-time",
        metavar="TIME",
        default="15m",
        help="Time limit of the assessment, e.g. 40m (default: 15m). The next session continues.",
    )
    parser.addini(
        "goalkeeper_application",
        "The application file, from the root folder of the tests.",
        default="application.yaml",
    )
    parser.addini(
        "goalkeeper_inconclusive",
        "What becomes of a test whose goal is inconclusive or was not assessed: skip or fail.",
        default=SKIP,
    )


@pytest.fixture
def goalkeeper_goal(request: pytest.FixtureRequest) -> ASK:
    """Require that a security goal is met: `goalkeeper_goal("privacy")`.

    The function takes the name of a goal and, if it is not the one of the settings, the application
    file, relative to the test's own file. It returns the rating of the goal, fails the test if the
    goal is not met or attacks failed to run, and skips it if that is inconclusive, unless the
    setting `goalkeeper_inconclusive` says `fail`.
    """
    config = request.config

    def ask(goal: str, *, application: str | Path | None = None) -> GoalRating:
        if application is None:
            path = config.rootpath / str(config.getini("goalkeeper_application"))
        else:
            path = request.path.parent / application
        return _judge(goal, _assessed(config, path), config)

    return ask


# ---- one assessment for a session ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Assessed:
    """An assessment, and the page with its report."""

    assessment: Assessment
    report: Path


_ASSESSED = pytest.StashKey[dict[Path, _Assessed]]()
_SESSION_ID = pytest.StashKey[str]()


def _assessed(config: pytest.Config, application: Path) -> _Assessed:
    """Return the assessment of an application; the first caller of a session makes it."""
    from goalkeeper.core.errors import GoalkeeperError

    known = config.stash.setdefault(_ASSESSED, {})
    if application not in known:
        try:
            given = config.getoption("--goalkeeper-run")
            folder = Path(given) if given else _run_once(config, application)
            known[application] = _read(folder, application if given else None)
        except GoalkeeperError as error:
            pytest.fail(str(error), pytrace=False)
    return known[application]


def _read(folder: Path, application: Path | None) -> _Assessed:
    """Read a finished run; refuse one of another state of the application."""
    from goalkeeper.compute.folder import RunFolder
    from goalkeeper.core.errors import StoreError

    run = RunFolder(folder)
    assessment = run.assessment()
    for name, digest in assessment.application.hashes.items() if application else ():
        file = application.parent / name if application else folder
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise StoreError(ANOTHER.format(folder=folder, name=name))
    return _Assessed(assessment, folder / "report.html")


def _run_once(config: pytest.Config, application: Path) -> Path:
    """Run the attacks, unless another process of this session has done so; return the folder."""
    from goalkeeper.core.errors import StoreError

    place = _place(config, application)
    mark = place / SESSION
    with _alone(place):
        session, _, problem = mark.read_text().partition("\n") if mark.is_file() else ("", "", "")
        if session != _session_id(config):
            problem = _run(application, place / "run", str(config.getoption("--goalkeeper-time")))
            mark.write_text(f"{_session_id(config)}\n{problem}")
    if problem:
        raise StoreError(problem)
    return place / "run"


def _place(config: pytest.Config, application: Path) -> Path:
    """Return the folder for the run: in pytest's cache, so that the next session resumes it."""
    digest = hashlib.sha256(os.fspath(application.absolute()).encode()).hexdigest()[:16]
    cache = getattr(config, "cache", None)
    if cache is not None:
        return Path(cache.mkdir("goalkeeper")) / digest
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined] # noqa: SLF001
    base = factory.getbasetemp()
    shared = base.parent if hasattr(config, "workerinput") else base  # one for all workers
    return shared / "goalkeeper" / digest


def _session_id(config: pytest.Config) -> str:
    """Return what all processes of a session have in common."""
    worker = getattr(config, "workerinput", {})
    own = config.stash.setdefault(_SESSION_ID, uuid.uuid4().hex)
    return str(worker.get("testrunuid", own))


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    from goalkeeper.compute.files import held

    place.mkdir(parents=True, exist_ok=True)
    with held(place):
        yield


def _run(application: Path, folder: Path, limit: str) -> str:
    """Assess an application in a folder; return why that was not possible, empty if it was."""
    from goalkeeper.cli.amounts import parse_seconds
    from goalkeeper.core.errors import GoalkeeperError
    from goalkeeper.running import RunOptions, Sizing, run

    with warnings.catch_warnings():
        warnings.simplefilter("default")  # a note of a run is no error of the test
        try:
            sizing = Sizing(limit=parse_seconds(limit, "--goalkeeper-time"))
            run(application, folder, options=RunOptions(sizing=sizing))
        except GoalkeeperError as error:
            return str(error)
    return ""


# ---- verdicts as outcomes of tests ---------------------------------------------------------------


def _judge(goal: str, found: _Assessed, config: pytest.Config) -> GoalRating:
    """Fail or skip the test unless the goal is met."""
    from goalkeeper.core.assessment import Verdict
    from goalkeeper.core.goals import Goal

    if goal not in set(Goal):
        pytest.fail(f"{goal} is no goal: expected one of {', '.join(Goal)}", pytrace=False)
    rating = found.assessment.goals.get(Goal(goal))
    if rating is None or rating.verdict is Verdict.NOT_ASSESSED:
        _leave(UNDECIDED.format(goal=goal, verdict="not assessed", reason=NO_NEED), config)
    elif rating.verdict is Verdict.NOT_MET:
        text = NOT_MET.format(goal=goal, reason=_reason(rating), report=found.report)
        pytest.fail(text, pytrace=False)
    elif failed := _failed(found.assessment, Goal(goal)):
        reason = f"{failed[0].attack} by {failed[0].attacker}: {failed[0].result.reason}"
        verdict = rating.verdict.replace("_", " ")
        text = FAILED.format(goal=goal, verdict=verdict, number=len(failed), reason=reason)
        pytest.fail(text, pytrace=False)
    elif rating.verdict is Verdict.INCONCLUSIVE:
        text = UNDECIDED.format(goal=goal, verdict="inconclusive", reason=_reason(rating))
        _leave(text, config)
    assert rating is not None  # noqa: S101 - what is None was left above
    return rating


def _failed(assessment: Assessment, goal: str) -> list[Evidence]:
    from goalkeeper.core.evidence import Status

    return [
        e
        for e in assessment.evidence
        if e.status is Status.FAILED_TO_RUN and goal in e.goals and e.standing.decides
    ]


def _reason(rating: GoalRating) -> str:
    """Return the reason without the verdict in front: the message has it already."""
    return rating.reason.partition(": ")[2] if ": " in rating.reason[:20] else rating.reason


def _leave(text: str, config: pytest.Config) -> None:
    chosen = str(config.getini("goalkeeper_inconclusive"))
    if chosen not in (SKIP, FAIL):
        raise pytest.UsageError(f"goalkeeper_inconclusive is {chosen!r}: expected {SKIP} or {FAIL}")
    if chosen == FAIL:
        pytest.fail(text, pytrace=False)
    pytest.skip(text)
