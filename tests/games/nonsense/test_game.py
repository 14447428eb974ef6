"""The nonsense game: functions whose failure is known, outcome by outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from goalkeeper.attack_run import AnyAttack, AttackRun, evaluate
from goalkeeper.attacks.nonsense.malformed_inputs import MalformedInputs
from goalkeeper.attacks.nonsense.out_of_distribution import OutOfDistribution
from goalkeeper.core.application import Application, Wiring
from goalkeeper.core.data import PARTS, Splits
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.evidence import AttackResult, Proportion, Status
from goalkeeper.core.goals import Aspect, Goal
from goalkeeper.core.text import texts
from goalkeeper.games.nonsense import Nonsense, NonsenseInput
from goalkeeper.games.nonsense.asking import InputOutcome, InputTester, confidence_threshold
from goalkeeper.games.nonsense.overconfident import allowed
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.targets import PythonTarget, SklearnTarget
from goalkeeper.testing.worlds.kit import CLASSES
from goalkeeper.testing.worlds.nonsense import StrictTarget
from goalkeeper.testing.worlds.readings import draw_readings, reading_domain
from tests.contract.harness import enough, task_of

ODD = np.array([["odd"]], dtype=object)[0]


def ordinary(kind: str = "text") -> Splits:
    rng = np.random.default_rng(0)
    return Splits(**{part: draw_readings(kind, rng, 60) for part in PARTS})


def by_function(react: Callable[[], Any], **wiring: Any) -> Application:
    """Answer ordinary texts with 0.6, and the text `odd` as a function says."""

    def function(x: Any) -> Any:
        if "odd" in list(x):
            return react()
        return np.tile([0.6, 0.4], (len(x), 1))

    data, domain = ordinary(), reading_domain("text")
    target = PythonTarget(function, CLASSES, domain, sample=data.holdout.x[:2])
    return Application(
        name="odd", target=target, data=data, domain=domain, classes=CLASSES, harmless=0,
        wiring=Wiring(**wiring),
    )  # fmt: skip


def failing(error: BaseException) -> Callable[[], Any]:
    def react() -> Any:
        raise error

    return react


class LibraryError(Exception):
    """As CatBoost has it, which derives it from nothing that says so."""

    __module__ = "_catboost"


@pytest.mark.requirement("S26")
@pytest.mark.parametrize(
    ("react", "outcome"),
    [
        (failing(ValueError("no words")), InputOutcome.REFUSED),
        (lambda: {"error": "no words"}, InputOutcome.REFUSED),
        (failing(LibraryError("cat_features must be integer")), InputOutcome.REFUSED),
        (failing(ValueError()), InputOutcome.CRASH),  # nobody learns what was wrong
        (failing(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogate")), InputOutcome.CRASH),
        (failing(KeyError("x")), InputOutcome.CRASH),
        (failing(RecursionError()), InputOutcome.CRASH),
        (failing(MemoryError()), InputOutcome.CRASH),
        (failing(SystemExit(1)), InputOutcome.CRASH),
        (lambda: np.array([[np.nan, np.nan]]), InputOutcome.INVALID),
        (lambda: np.array([[np.inf, 0.0]]), InputOutcome.INVALID),
        (lambda: np.array([[1.5, -0.5]]), InputOutcome.INVALID),
        (lambda: np.array([[0.5, 0.4]]), InputOutcome.INVALID),
        (lambda: np.array([[0.2, 0.3, 0.5]]), InputOutcome.INVALID),
        (lambda: np.array([[0.5, 0.5], [0.5, 0.5]]), InputOutcome.INVALID),
        (lambda: np.array([["much", "little"]]), InputOutcome.INVALID),
        (lambda: np.array([[0.59, 0.41]]), InputOutcome.ANSWERED),
        (lambda: np.array([[0.6, 0.4]]), InputOutcome.CONFIDENT),
        (lambda: np.array([[0.1, 0.9]]), InputOutcome.CONFIDENT),
    ],
)
def test_outcomes_are_told_apart(react: Callable[[], Any], outcome: InputOutcome) -> None:
    asking = InputTester.of(by_function(react))
    assert asking.threshold == 0.6
    assert asking.test(texts(["odd"])).outcome is outcome


@pytest.mark.requirement("S26")
def test_a_class_without_a_reaction_is_an_invalid_state() -> None:
    only = {"harmless": "inbox"}
    lost = by_function(lambda: np.array([[0.45, 0.55]]), reactions=only)
    assert InputTester.of(lost).test(texts(["odd"])).outcome is InputOutcome.INVALID
    both = {**only, "harmful": "bin"}
    wired = by_function(lambda: np.array([[0.45, 0.55]]), reactions=both)
    assert InputTester.of(wired).test(texts(["odd"])).outcome is InputOutcome.ANSWERED
    wary = by_function(lambda: np.array([[0.1, 0.9]]), adapter=lambda label, scores: "rejected")
    assert InputTester.of(wary).test(texts(["odd"])).outcome is InputOutcome.REFUSED


def test_labels_that_are_no_class_are_an_invalid_state() -> None:
    def function(x: Any) -> Any:
        return ["neither" if text == "odd" else "harmless" for text in x]

    app = by_function(lambda: None)
    target = PythonTarget(function, CLASSES, app.domain, sample=app.data.holdout.x[:2])
    asking = InputTester.of(replace(app, target=target))
    assert asking.threshold == float("inf")
    assert asking.test(texts(["odd"])).outcome is InputOutcome.INVALID
    assert asking.test(texts(["fine"])).outcome is InputOutcome.ANSWERED


def test_a_declared_check_refuses_what_the_domain_does_not_allow() -> None:
    app = by_function(failing(KeyError("x")))
    long = texts(["x" * 601])
    not_a_text = np.array([None], dtype=object)
    checks = InputTester.of(replace(app, wiring=Wiring(validates=True)))
    assert checks.test(long).outcome is InputOutcome.REFUSED
    assert checks.test(not_a_text).outcome is InputOutcome.REFUSED
    assert checks.test(texts(["odd"])).outcome is InputOutcome.CRASH  # the domain allows it
    assert InputTester.of(app).test(long).outcome is InputOutcome.CONFIDENT


def test_the_usual_confidence_is_that_of_95_of_100_calibration_inputs() -> None:
    app = replace(by_function(lambda: None), target=StrictTarget(reading_domain("text"), b"key"))
    usual = confidence_threshold(app)
    scores = app.target.answer(app.data.calibration.x, app.target.offers).scores.max(axis=1)
    assert (scores >= usual).mean() >= 0.05
    assert (scores > usual).mean() < 0.05


def execute(app: Application, attack: AnyAttack, task: str = "") -> AttackResult:
    usual = "malformed-inputs" if isinstance(attack, MalformedInputs) else "strange-inputs"
    task = task or usual
    this = AttackRun(
        attack=attack,
        game=Nonsense(),
        task=task_of(type(attack), app, task),
        granted=enough(type(attack)),
        seed=0,
    )
    return evaluate(app, this)


@pytest.mark.requirement("S26")
def test_a_text_filter_trips_over_what_is_no_text_and_a_check_stops_that() -> None:
    """`CountVectorizer` calls `.lower()`: 13 of the 14 values that are no text have none."""
    data = ordinary()
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(data.train.x, data.train.y)
    app = by_function(lambda: None)
    app = replace(app, data=data, target=SklearnTarget(model, CLASSES, app.domain))
    found = execute(app, MalformedInputs())
    assert found.status is Status.TESTED
    (kind,) = [m for m in found.measurements if m.group == "not a text"]
    assert "13 crash" in kind.note or "12 crash" in kind.note
    assert any("AttributeError" in e.note for e in found.exhibits)
    assert found.trials[0].verified >= 12
    (crashes,) = [m for m in found.measurements if m.metric == "share of crashes"]
    assert crashes.value * crashes.n == pytest.approx(found.trials[0].verified)
    checked = execute(replace(app, wiring=Wiring(validates=True)), MalformedInputs())
    assert checked.trials[0].verified == 0
    assert any("system.validates" in caveat for caveat in found.caveats)
    assert any("it was not tested" in caveat for caveat in checked.caveats)
    assert not any("it was not tested" in caveat for caveat in found.caveats)
    assert "crash: 1" in found.summary


@pytest.mark.requirement("S26")
def test_a_linear_model_is_sure_of_corners_it_never_saw() -> None:
    """Rows lie near 0.5; a logistic model's margin grows with the distance from there."""
    data, domain = ordinary("table"), reading_domain("table")
    model = LogisticRegression(C=1e4, max_iter=2000).fit(data.train.x, data.train.y)
    target = SklearnTarget(model, CLASSES, domain)
    app = Application(
        name="rows", target=target, data=data, domain=domain, classes=CLASSES, harmless=0
    )
    found = execute(app, OutOfDistribution())
    by_kind = {m.group: m.value for m in found.measurements if m.metric == "share of failures"}
    margin = np.abs(model.decision_function(data.calibration.x))
    edge = np.quantile(margin, 0.95, method="higher")
    rng = np.random.default_rng(1)
    corners = (np.abs(model.decision_function(rng.integers(0, 2, (4000, 6)))) >= edge).mean()
    # 24 corners of 64: two-sided p < 0.002
    assert by_kind["corners of the domain"] == pytest.approx(
        corners, abs=3.1 * (corners * (1 - corners) / 24) ** 0.5 + 1e-9
    )


def test_baseline_is_what_ordinary_inputs_do() -> None:
    app = replace(by_function(lambda: None), target=StrictTarget(reading_domain("text"), b"key"))
    found = execute(app, OutOfDistribution())
    tally = found.trials[0].tally
    assert isinstance(tally, Proportion)
    scores = app.target.answer(app.data.holdout.x, app.target.offers).scores.max(axis=1)
    assert tally.baseline_n == len(app.data.holdout)
    assert tally.baseline_successes == int((scores >= confidence_threshold(app)).sum())


def test_answers_are_checked_and_counted_once() -> None:
    game, app = Nonsense(), by_function(lambda: np.array([[0.5, 0.5]]))
    malformed, strange, _ = game.tasks(app)
    odd = NonsenseInput("a", texts(["odd"]))
    assert counted(game, app, malformed, [odd, odd, NonsenseInput("a", texts(["other"]))]) == 2
    assert (
        counted(game, app, malformed, [NonsenseInput("a", texts([str(i)])) for i in range(500)])
        == 120
    )
    with pytest.raises(DataError, match="outside of the domain"):
        counted(game, app, strange, [NonsenseInput("a", texts(["x" * 601]))])
    with pytest.raises(DataError, match="single input"):
        counted(game, app, malformed, [NonsenseInput("a", texts(["one", "two"]))])


# ---- what harms whom -----------------------------------------------------------------------------


@pytest.mark.requirement("S26")
def test_a_confident_answer_is_a_matter_of_reliability_and_not_of_availability() -> None:
    harms = {task.name: task.harms for task in Nonsense().tasks(by_function(lambda: None))}
    for name in ("malformed-inputs", "strange-inputs"):
        assert [h.goal for h in harms[name]] == [Goal.INTEGRITY], name
        assert harms[name][0].aspect is Aspect.RELIABILITY
    assert [h.goal for h in harms["disruptive-inputs"]] == [Goal.AVAILABILITY]


@pytest.mark.requirement("S26")
def test_an_application_that_is_sure_of_any_nonsense_is_there_for_everybody() -> None:
    """It answers everything, with a score of 1 what lies outside the domain: no crash, no harm."""
    data, domain = ordinary("table"), reading_domain("table")
    usual = {row.tobytes() for part in PARTS for row in getattr(data, part).x}

    def function(x: Any) -> Any:
        known = [np.asarray(row).tobytes() in usual for row in x]
        return np.where(np.array(known)[:, None], [0.6, 0.4], [0.0, 1.0])

    target = PythonTarget(function, CLASSES, domain, sample=data.holdout.x)
    app = Application(
        name="sure", target=target, data=data, domain=domain, classes=CLASSES, harmless=0
    )
    confident = execute(app, MalformedInputs()).trials[0].tally
    assert beats_baseline(confident)
    there = execute(app, MalformedInputs(), "disruptive-inputs")
    assert isinstance(there.trials[0].tally, Proportion)
    assert there.trials[0].tally.successes == 0
    assert there.trials[0].verified == 0


@pytest.mark.requirement("S26")
def test_a_crash_keeps_others_out() -> None:
    data = ordinary()
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(data.train.x, data.train.y)
    app = by_function(lambda: None)
    app = replace(app, data=data, target=SklearnTarget(model, CLASSES, app.domain))
    found = execute(app, MalformedInputs(), "disruptive-inputs")
    assert beats_baseline(found.trials[0].tally)
    assert found.trials[0].verified >= 8


def disturbed(app: Application, react: str = "odd", **settings: Any) -> InputOutcome:
    tester = replace(InputTester.of(app), others=app.data.holdout.x[:3], **settings)
    return tester.disturb(texts([react])).outcome


@pytest.mark.requirement("S26")
def test_an_input_after_which_others_are_refused_blocks_them() -> None:
    blocked: list[bool] = []

    def function(x: Any) -> Any:
        if "odd" in list(x):
            blocked.append(True)
        if blocked:
            raise ValueError("busy")
        return np.tile([0.6, 0.4], (len(x), 1))

    app = by_function(lambda: None)
    target = PythonTarget(function, CLASSES, app.domain, sample=app.data.holdout.x[:2])
    app = replace(app, target=target)
    tester = replace(InputTester.of(app), others=app.data.holdout.x[:3])
    assert tester.disturb(texts(["fine"])).outcome is InputOutcome.CONFIDENT
    assert tester.disturb(texts(["odd"])).outcome is InputOutcome.BLOCKS
    assert disturbed(by_function(failing(ValueError("no words")))) is InputOutcome.REFUSED
    assert disturbed(by_function(failing(KeyError("x")))) is InputOutcome.CRASH


def stopping(answers: int) -> Application:
    """Answer so often, and then never again: a licence or a quota has run out."""
    left = [answers + 1]

    def function(x: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("licence expired")
        return np.tile([0.6, 0.4], (len(x), 1))

    app = by_function(lambda: None)
    target = PythonTarget(function, CLASSES, app.domain, sample=app.data.holdout.x[:2])
    return replace(app, target=target)


@pytest.mark.requirement("S26")
@pytest.mark.parametrize("task", ["malformed-inputs", "disruptive-inputs"])
def test_an_application_that_stops_of_itself_is_not_broken_by_an_attack(task: str) -> None:
    with pytest.raises(TargetError, match=r"before anything else was sent .* licence expired"):
        execute(stopping(30), MalformedInputs(), task)


@pytest.mark.requirement("S26")
def test_failures_of_an_application_that_stops_meanwhile_are_not_counted() -> None:
    found = execute(stopping(100), MalformedInputs(), "malformed-inputs")
    assert found.status is Status.NOT_TESTED
    assert "stopped answering ordinary inputs too" in found.reason
    assert execute(stopping(10_000), MalformedInputs(), "malformed-inputs").status is Status.TESTED


@pytest.mark.requirement("S26")
@pytest.mark.parametrize(
    ("seconds", "outcome"), [(4.0, InputOutcome.ANSWERED), (11.0, InputOutcome.HANG)]
)
def test_an_input_that_is_not_answered_for_long_hangs(
    seconds: float, outcome: InputOutcome
) -> None:
    now = [0.0]

    def react() -> Any:
        now[0] += seconds
        return np.array([[0.55, 0.45]])

    assert disturbed(by_function(react), clock=lambda: now[0], patience=10.0) is outcome


def counted(game: Nonsense, app: Application, task: Any, answer: Any) -> int:
    from goalkeeper.core.access import Checkpoint
    from goalkeeper.core.cost import Cost
    from goalkeeper.games.base import Marking

    rng = np.random.default_rng(0)
    dealt = game.deal(app, task, rng)
    found = game.mark(
        Marking(
            app=app,
            task=task,
            deal=dealt,
            answers=[Checkpoint(answer, Cost(), np.zeros(1, dtype=np.int64))],
            granted=enough(MalformedInputs),
            rng=rng,
        )
    )
    return int(found.trials[0].queries)


@pytest.mark.requirement("S26")
def test_a_confident_answer_to_a_malformed_input_counts_only_outside_the_domain() -> None:
    """A mail with a control character is still a mail; a pixel beyond white is no pixel."""
    app = by_function(lambda: np.array([[0.1, 0.9]]))
    inside, outside = texts(["odd"]), texts(["odd" * 300])
    asking = InputTester.of(app, outside=True)
    assert asking.test(inside).outcome is InputOutcome.ANSWERED
    assert asking.test(outside).outcome is InputOutcome.CONFIDENT
    assert InputTester.of(app).test(inside).outcome is InputOutcome.CONFIDENT


def test_an_image_of_another_size_is_outside_of_the_domain() -> None:
    image = reading_domain("image")
    assert allowed(image, np.full((1, 1, 5, 5), 0.5)).all()
    assert not allowed(image, np.full((1, 1, 6, 5), 0.5)).any()
    assert not allowed(reading_domain("table"), np.full((1, 7), 0.5)).any()


@pytest.mark.requirement("S26")
def test_few_crashes_are_not_lost_among_confident_answers_to_ordinary_inputs() -> None:
    data = ordinary()
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(data.train.x, data.train.y)
    app = by_function(lambda: None)
    app = replace(app, data=data, target=SklearnTarget(model, CLASSES, app.domain))
    tally = execute(app, MalformedInputs()).trials[0].tally
    assert isinstance(tally, Proportion)
    assert tally.baseline_successes == 0
    assert beats_baseline(tally)
