"""Versions that are updated round by round: what partial_fit by hand makes of the same feedback."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.teaching.feedback_flips import FeedbackFlips
from goalkeeper.attacks.teaching.rollback_test import RollbackTest
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application, Feedback
from goalkeeper.core.data import Data, Splits
from goalkeeper.core.domain import Column, TableDomain, TextDomain
from goalkeeper.core.evidence import AttackResult, DamageCount
from goalkeeper.core.feedback import FeedbackBatch
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.games.teaching import Teaching
from goalkeeper.games.teaching.replay import ATTACKED, HONEST, CampaignReplay, replay_campaigns
from goalkeeper.training import SklearnTrainer
from tests.contract.harness import enough, task_of

SIZES = {"train": 240, "holdout": 120, "calibration": 40, "similar": 200}
ROUNDS = 4


def table(n: int, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    return Data(x=rng.normal(size=(n, 4)) + 1.5 * y[:, None], y=y)


def text(n: int, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    words = np.array([f"w{i}" for i in range(300)])
    y = rng.integers(2, size=n)
    said = [" ".join(rng.choice(words[150 * k : 150 * k + 180], 8)) for k in y.tolist()]
    return Data(x=np.array(said, dtype=object), y=y)


MODELS: dict[str, tuple[Any, Any, Any]] = {
    "SGD on texts": (
        make_pipeline(CountVectorizer(), SGDClassifier()),
        text,
        TextDomain(max_chars=99),
    ),
    "naive Bayes on texts": (
        make_pipeline(CountVectorizer(), MultinomialNB()),
        text,
        TextDomain(max_chars=99),
    ),
    "SGD on a table": (
        make_pipeline(StandardScaler(), SGDClassifier()),
        table,
        TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(4))),
    ),
    "a network on a table": (
        make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=400, tol=1e-2)),
        table,
        TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(4))),
    ),
}


def application(kind: str, **loop: Any) -> Application:
    estimator, draw, domain = MODELS[kind]
    parts = {name: draw(n, i) for i, (name, n) in enumerate(SIZES.items())}
    trainer = SklearnTrainer(estimator, ("harmless", "harmful"), domain)
    data = Splits(**parts)
    return Application(
        name=kind,
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain,
        classes=trainer.classes,
        harmless=0,
        trainer=trainer,
        feedback=Feedback(**{"share": 0.1, "rounds": ROUNDS, "learning": "partial_fit", **loop}),
    )


def lies(app: Application) -> list[FeedbackBatch]:
    """Call twelve harmless records a round harmful."""
    own = app.data.similar.take(app.data.similar.y == 0)
    parts = [own.take(slice(12 * r, 12 * r + 12)) for r in range(ROUNDS)]
    return [FeedbackBatch.about(part, 1 - part.y) for part in parts]


def replayed(app: Application, batches: list[FeedbackBatch]) -> CampaignReplay:
    return replay_campaigns(app, batches, np.random.SeedSequence(3), campaigns=2, kept=1.0)


@pytest.mark.requirement("S20")
@pytest.mark.parametrize("kind", MODELS)
def test_every_version_is_the_one_before_after_partial_fit(kind: str) -> None:
    app = application(kind)
    batches = lies(app)
    found = replayed(app, batches)
    rng = np.random.default_rng(np.random.SeedSequence(3))
    rng.random((2, len(app.data.train)))
    for campaign, seed in enumerate(rng.integers(0, 2**31 - 1, 2)):
        hand = copy.deepcopy(app.trainer.fit(app.data.train, int(seed)).model)  # type: ignore[union-attr]
        for r, batch in enumerate([None, *batches]):
            if batch is not None:
                hand[-1].partial_fit(hand[:-1].transform(batch.x), batch.labels)
            said = hand.predict(app.data.holdout.x)
            assert np.array_equal(found.labels[ATTACKED, campaign, r], said), (campaign, r)


def declined(found: CampaignReplay) -> tuple[float, float]:
    """Share of harmless inputs declined in the honest world and in the attacked one."""
    harmless = found.app.data.holdout.y == 0
    honest, attacked = (
        float((found.answers(world, -1) != 0)[:, harmless].mean()) for world in (HONEST, ATTACKED)
    )
    return honest, attacked


@pytest.mark.requirement("S20")
@pytest.mark.parametrize("kind", ["SGD on texts", "SGD on a table"])
def test_a_model_that_learns_in_place_loses_more(kind: str) -> None:
    """The rest of the data is not there to contradict what a round says."""
    app = application(kind)
    retrained = replace(app, feedback=Feedback(share=0.1, rounds=ROUNDS))
    honest, in_place = declined(replayed(app, lies(app)))
    assert in_place > honest + 0.2
    assert in_place > 2 * declined(replayed(retrained, lies(app)))[1]


def test_counts_add_up_alike_either_way() -> None:
    """Naive Bayes counts: the order and the way of learning decide nothing, up to new words."""
    app = application("naive Bayes on texts")
    retrained = replace(app, feedback=Feedback(share=0.1, rounds=ROUNDS))
    answers = [replayed(a, lies(app)).answers(ATTACKED, -1) for a in (app, retrained)]
    assert (answers[0] == answers[1]).mean() > 0.97


@pytest.mark.parametrize("learning", ["retrained", "partial_fit"])
def test_honest_feedback_of_others_dilutes(learning: str) -> None:
    alone, among = (
        declined(replayed(app, lies(app)))[1]
        for others in (0.0, 0.3)
        for app in [application("SGD on a table", learning=learning, others=others)]
    )
    assert among < alone


def test_repeats_are_copies_where_it_is_retrained() -> None:
    """Two copies of each record weigh as two records."""
    app = application("SGD on a table", learning="retrained")
    once, often = (
        declined(replayed(replace(app, feedback=replace(app.feedback, repeats=k)), lies(app)))[1]  # type: ignore[type-var]
        for k in (1, 5)
    )
    assert often > once


# ---- attacks -------------------------------------------------------------------------------------


def door(app: Application) -> tuple[Any, Access]:
    granted = Power(
        knowledge=Knowledge(data=Grade.PARTIAL),
        capabilities=Capability.M4 | Capability.M2,
        view=View.LABELS,
        budget=Budget(queries=1e4, share=0.2),
    )
    game = Teaching()
    rng = np.random.default_rng(0)
    access = Access(app, Terms(granted=granted, rng=rng, victim=np.random.SeedSequence(1)))
    return game.deal(app, game.tasks(app)[1], rng).question, access


@pytest.mark.requirement("S20")
def test_where_what_comes_last_weighs_most_flips_come_last() -> None:
    question, access = door(application("SGD on a table", share=0.125, others=0.1))
    sizes = [len(b) for b in FeedbackFlips().run(question, access).batches]
    assert sizes == [0, 0, 30, 30]
    for loop in ({}, {"learning": "retrained", "others": 0.1}):
        question, access = door(application("SGD on a table", share=0.125, **loop))
        assert set(map(len, FeedbackFlips().run(question, access).batches)) == {15}


@pytest.mark.requirement("S27")
@pytest.mark.parametrize(
    ("kept", "sizes"), [(0, [0, 0, 30, 30]), (1, [0, 30, 30, 0]), (3, [30, 0, 0, 0])]
)
def test_the_rollback_test_speaks_right_before_the_oldest_kept_version(
    kept: int, sizes: list[int]
) -> None:
    question, access = door(application("SGD on a table", share=0.125, snapshots=kept, others=0.1))
    question = replace(question, task="after-rollback")
    found = [len(b) for b in RollbackTest().run(question, access).batches]
    assert found == sizes


def test_late_lies_outweigh_early_ones_among_honest_people() -> None:
    app = application("SGD on texts", others=0.1)
    lie = lies(app)
    nothing = [FeedbackBatch.about(b.bases.take(slice(0, 0)), b.labels[:0]) for b in lie[2:]]
    early, late = (
        declined(replayed(app, said))[1] for said in (lie[:2] + nothing, nothing + lie[:2])
    )
    assert late > early + 0.02


def result_of(app: Application, seed: int = 0) -> AttackResult:
    run = AttackRun(
        attack=FeedbackFlips(),
        game=Teaching(campaigns=5),
        task=task_of(FeedbackFlips, app, "taught-to-decline"),
        granted=enough(FeedbackFlips, share=0.15),
        seed=seed,
    )
    return evaluate(app, run)


def test_the_attack_wins_and_the_report_says_how_it_learns() -> None:
    result = result_of(application("SGD on a table"))
    tally = result.trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert beats_baseline(tally)
    assert "updated with each round" in result.summary
    assert any("feedback.others" in caveat for caveat in result.caveats)


def test_a_learner_that_takes_nothing_in_loses_nothing() -> None:
    app = application("SGD on a table")
    loop = Feedback(share=0.1, rounds=ROUNDS, learning="function", update=lambda m, x, y: m)
    app = replace(app, feedback=loop)
    tally = result_of(app).trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert not beats_baseline(tally)
    weakened = Teaching().weakened(app, Teaching().tasks(app)[1], np.random.default_rng(0))
    lost = result_of(weakened).trials[-1].tally
    assert isinstance(lost, DamageCount)
    assert beats_baseline(lost)


def test_the_update_function_is_not_handed_out() -> None:
    app = application("SGD on a table")
    loop = replace(app.feedback, learning="function", update=lambda m, x, y: m)  # type: ignore[type-var]
    question, _ = door(replace(app, feedback=loop))
    assert question.loop.update is None
    assert question.loop.in_place


@pytest.mark.requirement("S20")
def test_teaching_an_application_updates_the_model_that_serves() -> None:
    app = application("naive Bayes on texts")
    _, access = door(app)
    own = access.data()
    own = own.take(own.y == 0).take(slice(0, 20))
    taught = access.teach(FeedbackBatch.about(own, 1 - own.y))
    hand = copy.deepcopy(app.target.model)  # type: ignore[attr-defined]
    hand[-1].partial_fit(hand[:-1].transform(own.x), 1 - own.y)
    said = taught.query(app.data.holdout.x).labels
    assert np.array_equal(said, hand.predict(app.data.holdout.x))


def test_updates_are_not_counted_as_trainings_in_the_plan() -> None:
    app = application("SGD on a table")
    task, game = Teaching().tasks(app)[0], Teaching(campaigns=5)
    retrained = replace(app, feedback=replace(app.feedback, learning="retrained"))  # type: ignore[type-var]
    power = enough(FeedbackFlips)
    assert game.estimate(app, task, power).models == 5
    assert game.estimate(retrained, task, power).models == 5 * (1 + 2 * ROUNDS)


@pytest.mark.parametrize(
    "loop",
    [
        {"learning": "partial_fit"},
        {"learning": "function"},
        {"batch": 3},
        {"repeats": 2},
        {"shuffle": True},
        {"rate": 0.1},
        {"others": 0.1},
    ],
)
def test_how_it_learns_is_part_of_what_was_evaluated(loop: dict[str, Any]) -> None:
    app = application("SGD on a table", learning="retrained")
    changed = replace(app, feedback=replace(app.feedback, **loop))  # type: ignore[type-var]
    for hashes in ({}, {"app.yaml": "12ab"}):
        prints = {replace(a, hashes=hashes).fingerprint for a in (app, changed)}
        assert len(prints) == 2
