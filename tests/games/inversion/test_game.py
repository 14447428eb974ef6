"""The inversion game asks questions that are independent, and knows the class averages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Data
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Gain, Status
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.base import Marking
from goalkeeper.games.inversion import Inversion
from goalkeeper.games.inversion.game import TASK
from goalkeeper.games.inversion.questions import (
    ClassAverages,
    FeatureMatrix,
    align_answer,
    choose_questions,
    correlate_averages,
    extract_features,
    mark_answers,
)
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.testing.worlds import inversion

GAME = Inversion()


@pytest.fixture
def app() -> Application:
    return inversion.rigged("table", np.random.default_rng(0))


def evaluate(app: Application, *answers: ClassAverages, data: Grade = Grade.NONE) -> AttackResult:
    rng = np.random.default_rng(0)
    return GAME.mark(
        Marking(
            app=app,
            task=TASK,
            deal=GAME.deal(app, TASK, rng),
            answers=[Checkpoint(a, Cost(), np.array([i])) for i, a in enumerate(answers)],
            granted=Power(),
            attacker=Power(knowledge=Knowledge(data=data)),
            rng=rng,
        )
    )


def tally(result: AttackResult) -> Gain:
    found = result.trials[-1].tally
    assert isinstance(found, Gain)
    return found


def truth(app: Application) -> ClassAverages:
    known = extract_features(app, app.data.train)
    words = known.names if app.domain.kind == "text" else ()
    return ClassAverages(known.means(len(app.classes)), words)


@pytest.mark.requirement("S47")
@pytest.mark.parametrize("domain", ["table", "image", "text"])
def test_the_true_averages_are_right_throughout(domain: str) -> None:
    app = inversion.rigged(domain, np.random.default_rng(0))
    known = truth(app)
    found = evaluate(app, known)
    assert tally(found).successes == tally(found).n >= 12
    assert found.measurements[0].metric == "normalised_gain"
    assert found.measurements[0].value == 1.0
    alike = found.measurements[2]
    assert alike.metric == "correlation with the class averages"
    assert alike.value == pytest.approx(1.0)
    opposite = evaluate(app, ClassAverages(-known.values, known.words))
    assert tally(opposite).successes == 0
    assert opposite.measurements[2].value == pytest.approx(-1.0)


@pytest.mark.requirement("S47")
def test_a_prior_answers_no_better_than_a_coin(app: Application) -> None:
    """The overall average and the middle of the domain: ties, which a coin decides."""
    overall = app.data.train.x.mean(axis=0)
    for prior in (overall, np.full(12, 0.5)):
        found = evaluate(app, ClassAverages(np.repeat(prior[None], 4, axis=0)))
        assert not beats_baseline(tally(found))
        assert found.measurements[2].value == 0.0


def test_unit_and_offset_do_not_matter(app: Application) -> None:
    known = truth(app).values
    same = evaluate(app, ClassAverages(0.01 * known + np.linspace(0, 9, 12)))
    assert tally(same).successes == tally(same).n


@pytest.mark.requirement("S47")
def test_who_has_similar_data_must_be_beaten(app: Application) -> None:
    half = len(app.data.holdout) // 2
    like = replace(
        app.data,
        similar=app.data.holdout.take(slice(0, half)),
        holdout=app.data.holdout.take(slice(half, None)),
    )
    found = tally(evaluate(replace(app, data=like), truth(app), data=Grade.PARTIAL))
    assert found.baseline_n == found.n
    assert found.baseline_successes > 0.9 * found.n
    alone = tally(evaluate(app, truth(app)))
    assert alone.baseline_successes / alone.baseline_n == 0.5


def test_questions_are_about_columns_that_do_not_move_together() -> None:
    """Copies of a column, and a column without a difference, add no question to that column's."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    one = y + rng.normal(size=200)
    other = -y + rng.normal(size=200)
    copies = one[:, None] + 0.1 * rng.normal(size=(200, 20))
    others = other[:, None] + 0.1 * rng.normal(size=(200, 20))
    columns = np.column_stack([copies, rng.normal(size=200), other, others])
    known = FeatureMatrix(columns, y, ("",) * 42)
    asked = choose_questions(known, 2, rng)
    assert len(asked) == asked.columns == 2
    assert (asked.column > 20).any()
    for column, higher, first, second in zip(
        asked.column, asked.higher, asked.first, asked.second, strict=True
    ):
        assert higher == ((first > second) != (column > 20))


def test_a_class_takes_part_in_one_question_a_column(app: Application) -> None:
    asked = choose_questions(extract_features(app, app.data.train), 4, np.random.default_rng(0))
    for column in np.unique(asked.column):
        here = asked.column == column
        both = np.concatenate([asked.first[here], asked.second[here]])
        assert len(set(both.tolist())) == len(both) <= 4


def test_random_reconstructions_are_right_as_often_as_a_coin(app: Application) -> None:
    """So the count is binomial: mean 0.5, spread as of independent questions (300 draws)."""
    known = extract_features(app, app.data.train)
    asked = choose_questions(known, 4, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    rates = [mark_answers(rng.normal(size=(4, 12)), asked, rng).mean() for _ in range(300)]
    assert abs(np.mean(rates) - 0.5) < 4 * 0.5 / np.sqrt(300 * len(asked))
    assert 0.8 < np.std(rates) / (0.5 / np.sqrt(len(asked))) < 1.2


def test_too_few_questions_are_not_a_test(app: Application) -> None:
    same = replace(
        app.data,
        train=Data(x=app.data.train.x, y=np.random.default_rng(0).permutation(app.data.train.y)),
    )
    found = evaluate(replace(app, data=same), truth(app))
    assert found.status is Status.NOT_TESTED
    assert "guessing can get all of them right" in found.reason


def test_classes_with_few_records_are_left_out_and_told(app: Application) -> None:
    y = app.data.train.y
    rows = np.concatenate([np.flatnonzero(y != 3), np.flatnonzero(y == 3)[:2]])
    rare = replace(app, data=replace(app.data, train=app.data.train.take(rows)))
    known = np.nan_to_num(truth(rare).values)
    found = evaluate(rare, ClassAverages(known))
    assert tally(found).successes == tally(found).n
    assert any("too few records for an average: d" in c for c in found.caveats)
    assert GAME.unfit(rare, TASK) is None
    one = replace(app, data=replace(app.data, train=app.data.train.take(y == 0)))
    assert GAME.unfit(one, TASK) is not None


def test_answers_of_another_form_are_refused(app: Application) -> None:
    known = extract_features(app, app.data.train)
    with pytest.raises(DataError, match=r"shape \(4, 12\), given \(4, 3\)"):
        align_answer(ClassAverages(np.zeros((4, 3))), known, 4)
    with pytest.raises(DataError, match="finite"):
        align_answer(ClassAverages(np.full((4, 12), np.nan)), known, 4)
    mail = inversion.rigged("text", np.random.default_rng(0))
    words = extract_features(mail, mail.data.train)
    part = align_answer(ClassAverages(np.ones((4, 1)), (words.names[3],)), words, 4)
    assert part[:, 3].tolist() == [1.0] * 4
    assert part.sum() == 4.0


def test_the_curve_follows_the_queries(app: Application) -> None:
    known = truth(app)
    found = evaluate(app, ClassAverages(np.zeros((4, 12))), known)
    assert found.curve is not None
    assert found.curve.x == (0.0, 1.0)
    assert found.curve.value[1] > found.curve.value[0]
    assert evaluate(app, known).curve is None


def test_the_likeness_is_a_correlation() -> None:
    app = inversion.rigged("image", np.random.default_rng(0))
    known = extract_features(app, app.data.train)
    means = known.means(4)
    guess = np.random.default_rng(1).normal(size=means.shape)
    centred = [(v - v.mean(axis=0)).ravel() for v in (means, guess)]
    expected = np.corrcoef(*centred)[0, 1]
    assert correlate_averages(guess, known, app) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("domain", "shown"), [("table", "more c"), ("text", "more "), ("image", "@")]
)
def test_reconstruction_and_truth_are_shown_side_by_side(domain: str, shown: str) -> None:
    app = inversion.rigged(domain, np.random.default_rng(0))
    exhibits = evaluate(app, truth(app)).exhibits
    assert [e.title for e in exhibits] == [
        f"class {name}: true average, and its reconstruction" for name in ("c", "d")
    ]
    assert all(e.before == e.after and shown in e.before for e in exhibits)
