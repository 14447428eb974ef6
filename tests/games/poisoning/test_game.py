"""The poisoning game: paired retrainings, shares, and damage that can be worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from goalkeeper.attack_run import AnyAttack, evaluate
from goalkeeper.attacks.poisoning.dictionary import Dictionary
from goalkeeper.attacks.poisoning.label_flips import LabelFlips
from goalkeeper.attacks.poisoning.trigger_words import TriggerWords
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application, Ensemble, Target, Tolerances, Trainer
from goalkeeper.core.change import Change
from goalkeeper.core.data import Bools, Data, Splits
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.evidence import AttackResult, DamageCount, Proportion
from goalkeeper.core.power import Grade
from goalkeeper.core.text import texts
from goalkeeper.games.base import resize
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion, WordTrigger
from goalkeeper.games.poisoning.retraining import (
    HonestContribution,
    Retraining,
    draw_retrainings,
)
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.training import SklearnTrainer
from goalkeeper.training.dispatch import one_by_one_strategy
from tests.contract.harness import enough
from tests.evidence import without_times
from tests.games.poisoning.poisoners import (
    KINDS,
    T1,
    T2,
    T4,
    Does,
    app_of,
    power,
    run_of,
    spam,
)

# ---- shares --------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.07, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("rows", [99, 300, 2876])
def test_shares_rise_to_the_attackers_own_and_never_beyond(limit: float, rows: int) -> None:
    aim = PoisoningQuestion(task="harmless-declined", rows=rows)
    shares = aim.shares(limit)
    assert len(shares) == 5
    assert shares[-1] == min(limit, 0.9)
    for count in aim.addition_counts(limit):
        assert count / (rows + count) <= limit + 1e-12
    for count in aim.change_counts(limit):
        assert count / rows <= limit + 1e-12
    most = (aim.addition_counts(limit) or (0,))[-1] + 1
    assert most / (rows + most) > shares[-1]


# ---- retrainings ---------------------------------------------------------------------------------


class Watched:
    """A trainer that keeps what it was asked."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.asked: list[tuple[Data, Bools, list[int]]] = []

    @property
    def recipe(self) -> str:
        return self.trainer.recipe

    def fit(self, data: Data, seed: int) -> Target:
        return self.trainer.fit(data, seed)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        self.asked.append((data, masks, list(seeds)))
        return self.trainer.fit_many(data, masks, seeds)


def watched(attack: AnyAttack) -> tuple[Application, Data, Bools, list[int]]:
    app = app_of("text")
    assert app.trainer is not None
    trainer = Watched(app.trainer)
    game = Poisoning(steps=0)  # without the search for the smallest number, which trains more
    this = run_of(attack, app, enough(type(attack)), game=game)
    evaluate(replace(app, trainer=trainer), this)
    return (app, *joined(trainer.asked, len(app.data.train)))


def joined(asked: list[tuple[Data, Bools, list[int]]], rows: int) -> tuple[Data, Bools, list[int]]:
    """Put clean, poisoned and honest retrainings beside one another, over all records."""
    doses, clean, honest = asked[
        :3
    ]  # answers of the last two are asked for when the first are there
    assert len(clean[0]) == rows
    added, more = len(doses[0]) - rows, len(honest[0]) - rows
    masks = [
        np.pad(clean[1], ((0, 0), (0, added + more))),
        np.pad(doses[1], ((0, 0), (0, more))),
        np.hstack([honest[1][:, :rows], np.zeros((5, added), dtype=bool), honest[1][:, rows:]]),
    ]
    data = doses[0].joined(honest[0].take(slice(rows, None)))
    return data, np.concatenate(masks), [*clean[2], *doses[2], *honest[2]]


@pytest.mark.requirement("S24")
def test_every_attack_is_compared_with_the_same_clean_retrainings() -> None:
    app, _, first, seeds = watched(Dictionary())
    _, _, second, others = watched(LabelFlips())
    rows = len(app.data.train)
    clean = first[:5, :rows]
    assert np.array_equal(clean, second[:5, :rows])
    assert seeds[:5] == others[:5]
    assert not first[:5, rows:].any()
    assert 0.85 < clean.mean() < 0.95
    assert len({tuple(mask) for mask in clean}) == 5


def test_what_does_not_depend_on_the_attack_is_trained_once() -> None:
    """And the evidence is that of an application on which nothing was trained before."""
    app = app_of("text")
    assert app.trainer is not None
    trainer = Watched(app.trainer)
    shared, game = replace(app, trainer=trainer), Poisoning(steps=0, points=1)
    rows, trained = len(app.data.train), []
    for attack in (Dictionary(), LabelFlips(), Dictionary()):
        this = run_of(attack, app, enough(type(attack)), game=game)
        alone = evaluate(replace(app), this)
        assert without_times(evaluate(shared, this)) == without_times(alone)
        trained.append(sum(len(masks) for _, masks, _ in trainer.asked))
    clean = [masks for data, masks, _ in trainer.asked if len(data) == rows]
    assert len(clean) == 1
    assert np.diff(trained, prepend=0).tolist() == [15, 10, 5]


class Apart(Watched):
    """A trainer that says that it trains one after the other."""

    strategy = one_by_one_strategy("for a test")


def test_a_second_look_trains_on_the_largest_share_no_second_time() -> None:
    """And its evidence is that of an application on which nothing was trained before."""
    app = app_of("text")
    assert app.trainer is not None
    trainer, trained = Apart(app.trainer), []
    shared, game = replace(app, trainer=trainer), Poisoning(steps=0)
    for look in (resize(game, 0.25), game):
        this = run_of(LabelFlips(), app, enough(LabelFlips), game=look)
        assert without_times(evaluate(shared, this)) == without_times(evaluate(app, this))
        trained.append(sum(len(masks) for _, masks, _ in trainer.asked))
    assert np.diff(trained, prepend=0).tolist() == [5 * (1 + 1 + 1), 5 * (game.points - 1)]


@pytest.mark.requirement("S13")
def test_added_records_stand_beside_the_same_clean_ones_with_the_same_seed() -> None:
    app, data, masks, seeds = watched(Dictionary())
    rows, shares = len(app.data.train), Poisoning().points
    assert len(masks) == 5 * (1 + shares + 1)
    for victim in range(1, shares + 2):
        block = masks[5 * victim : 5 * victim + 5]
        assert np.array_equal(block[:, :rows], masks[:5, :rows])
        assert seeds[5 * victim : 5 * victim + 5] == seeds[:5]
    most = slice(5 * shares, 5 * shares + 5)
    largest = masks[most, rows:]
    assert (data.y[rows:][largest.any(axis=0)] == 1).all()
    share = largest.sum(axis=1) / masks[most].sum(axis=1)
    assert share.mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.requirement("S15")
def test_a_flipped_row_is_collected_if_and_only_if_the_clean_row_was() -> None:
    app, data, masks, _ = watched(LabelFlips())
    rows = len(app.data.train)
    clean, poisoned = masks[:5], masks[-10:-5]
    for before, after in zip(clean, poisoned, strict=True):
        assert before.sum() == after.sum()
        assert sorted(data.x[before]) == sorted(data.x[after])
        changed = (data.y[before] == 0).sum() - (data.y[after] == 0).sum()
        assert changed == after[rows:].sum() > 0


# ---- damage that can be worked out by hand -------------------------------------------------------

HAM, SPAM = 60, 40


def copies(word: str, count: int, mark: str) -> list[str]:
    """Different texts of one word: single letters are no words to the vectoriser."""
    return [f"{word} {mark} {' '.join(str(i))}" for i in range(count)]


def part(ham: int, spam_: int, mark: str) -> Data:
    x = texts([*copies("good", ham, mark), *copies("bad", spam_, mark)])
    return Data(x=x, y=np.repeat([0, 1], [ham, spam_]))


def two_words() -> Application:
    """Harmless texts say "good", harmful ones say "bad"; naive Bayes with one added count."""
    sizes = {"train": (HAM, SPAM), "holdout": (30, 10), "calibration": (5, 5), "similar": (20, 20)}
    data = Splits(**{name: part(*size, name[0]) for name, size in sizes.items()})
    world = TextDomain()
    learner = make_pipeline(CountVectorizer(), MultinomialNB())
    trainer = SklearnTrainer(learner, ("harmless", "harmful"), world)
    return Application(
        name="two-words",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=world,
        classes=("harmless", "harmful"),
        harmless=0,
        trainer=trainer,
    )


def by_hand(flips: int) -> bool:
    """Whether "good" counts as harmful after so many flips: prior times likelihood, by hand."""
    harmful = (SPAM + flips) * (flips + 1) / (SPAM + flips + 2)
    harmless = (HAM - flips) * (HAM - flips + 1) / (HAM - flips + 2)
    return harmful > harmless


@pytest.mark.requirement("S15", "S29", "S30")
def test_naive_bayes_tips_at_the_flip_worked_out_by_hand() -> None:
    tips = next(k for k in range(HAM) if by_hand(k))
    assert tips == 30
    app = two_words()
    game = Poisoning(kept=1.0, points=1)
    for flips, declined in ((tips - 1, 0), (tips, 30)):
        granted = power(T4, share=flips / 100, data=Grade.FULL)
        result = evaluate(app, run_of(LabelFlips(), app, granted, game=game))
        tally = DamageCount(gained=(declined,) * 5, lost=(0,) * 5, n=30, tolerance=0.01)
        found = result.trials[-1].tally
        assert isinstance(found, DamageCount)
        assert found.model_copy(update={"items": ()}) == tally
        assert found.items == ((5 if declined else 0, 0, 30),)
        assert result.trials[-1].share == flips / 100


@pytest.mark.requirement("S13")
def test_deleting_harmless_rows_tips_naive_bayes_as_well() -> None:
    """By hand: (1/41) (2/3) < (40/41) (1/42), so that "good" is harmful once one text is left."""

    def deletes(aim: PoisoningQuestion, access: Access) -> Contribution:
        return Contribution(change=Change(delete=np.arange(HAM - 1)), access=access)

    assert 1 / 41 * 2 / 3 < 40 / 41 * 1 / 42
    app, game = two_words(), Poisoning(kept=1.0, points=1)
    granted = power(T2, share=0.59, data=Grade.FULL)
    result = evaluate(app, run_of(Does(how=deletes), app, granted, game=game))
    assert result.trials[-1].share == pytest.approx(0.59)
    assert measured(result)["benign_rejection_rate"] == 1.0
    assert result.exhibits[0].private


# ---- what is measured ----------------------------------------------------------------------------


def measured(result: AttackResult) -> dict[str, float]:
    return {m.metric: m.value for m in result.measurements if not m.group}


@pytest.mark.requirement("S29", "S30")
def test_damage_is_shown_beside_what_an_honest_contribution_does() -> None:
    app = app_of("text")
    result = evaluate(app, run_of(Dictionary(), app, enough(Dictionary)))
    head, got = result.measurements[0], measured(result)
    assert head.metric == "tolerance_multiple"
    assert head.value > 80, "words of all ordinary mail: nearly all of it is declined"
    assert abs(head.baseline) < 2
    assert got["benign_rejection_rate"] > 0.95
    assert got["accuracy"] <= 0.5
    assert got["smallest_share"] < 0.01
    assert list(result.curve.x if result.curve else ()) == [t.share for t in result.trials]
    assert result.trials[-1].share == pytest.approx(0.1, abs=0.002)
    assert any("would notice" in caveat for caveat in result.caveats)
    assert not result.exhibits[0].private
    assert result.exhibits[0].before in result.exhibits[0].after


def test_the_baseline_is_the_damage_of_the_honest_retrainings() -> None:
    """Counted again from the models of the one training call: its first and its last five."""
    app, data, masks, seeds = watched(LabelFlips())
    assert app.trainer is not None
    harmless = app.data.holdout.take(app.data.holdout.y == 0)
    wrong = app.trainer.fit_many(data, masks, seeds).labels(harmless.x) != 0
    net = wrong[-5:].mean() - wrong[:5].mean()
    assert net != 0
    result = evaluate(app, run_of(LabelFlips(), app, enough(LabelFlips)))
    expected = net / app.tolerances.benign_rejection
    assert result.measurements[0].baseline == pytest.approx(expected)
    assert measured(result)["honest_contribution_damage"] == pytest.approx(expected)


def test_each_poisoned_retraining_is_compared_with_its_own_clean_one() -> None:
    """Counted again from the models: what the twin of the same seed and records had right."""
    app, data, masks, seeds = watched(LabelFlips())
    assert app.trainer is not None
    harmless = app.data.holdout.take(app.data.holdout.y == 0)
    wrong = app.trainer.fit_many(data, masks, seeds).labels(harmless.x) != 0
    result = evaluate(app, run_of(LabelFlips(), app, enough(LabelFlips)))
    pairs = []
    for trial in result.trials:
        assert isinstance(trial.tally, DamageCount)
        pairs.append((trial.tally.gained, trial.tally.lost))
    doses = wrong[5:-5].reshape(-1, 5, len(harmless))
    expected = [
        (tuple((dose & ~wrong[:5]).sum(axis=1)), tuple((~dose & wrong[:5]).sum(axis=1)))
        for dose in doses
    ]
    assert pairs[-1] in expected


def test_undeclared_tolerances_are_a_caveat() -> None:
    app = replace(app_of("table"), tolerances=Tolerances())
    result = evaluate(app, run_of(LabelFlips(), app, enough(LabelFlips)))
    assert any("no tolerance is declared" in caveat for caveat in result.caveats)
    assert result.exhibits[0].private, "a relabelled row is training data"


def test_persons_and_subgroups_are_measured_apart() -> None:
    app = app_of("table")
    holdout = app.data.holdout
    rows = np.arange(len(holdout))
    columns = {"sender": rows % 4, "age": np.where(holdout.x[:, 1] > 0, "old", "young")}
    data = replace(app.data, holdout=replace(holdout, columns=columns))
    seen = replace(app, data=data, person="sender", subgroups=("age", "unknown"))
    result = evaluate(seen, run_of(LabelFlips(), seen, enough(LabelFlips)))
    groups = [m.group for m in result.measurements if m.group]
    assert len([g for g in groups if g.startswith("sender ")]) == 1, "the worst one only"
    assert {g for g in groups if g.startswith("age ")} == {"age old", "age young"}
    apart = [m for m in result.measurements if m.group.startswith("age ")]
    assert sum(m.n for m in apart) == result.measurements[0].n
    together = sum(m.value * m.n for m in apart) / sum(m.n for m in apart)
    assert together == pytest.approx(result.measurements[0].value)


@pytest.mark.requirement("S24", "S44")
def test_every_input_has_one_judge_and_must_have_been_declined() -> None:
    app = app_of("text")

    def useless(aim: PoisoningQuestion, access: Access) -> Contribution:
        some = spam(access, 30)
        change = Change(add=some.x, add_labels=some.y)
        return Contribution(change=change, access=access, trigger=WordTrigger(("zuzuzu",)))

    task = "trigger-passes"
    result = evaluate(app, run_of(Does(how=useless), app, power(T1), task=task))
    tally = result.trials[-1].tally
    assert isinstance(tally, Proportion)
    assert 0 < tally.n == tally.baseline_n <= (app.data.holdout.y == 1).sum()
    assert not beats_baseline(tally)
    assert tally.baseline_successes == 0, "an unknown word changes no neighbour"


def test_a_trigger_is_compared_with_clean_retrainings_that_meet_it_too() -> None:
    """Words of harmless mail let some harmful mail pass, whether or not anything was poisoned."""
    app = app_of("text")
    x, y = app.data.similar.x, app.data.similar.y
    words = sorted({word for text in x[y == 0] for word in text.split()})
    harmful = {word for text in x[y == 1] for word in text.split()}
    trigger = WordTrigger(tuple([word for word in words if word not in harmful][:5]))

    def adds(aim: PoisoningQuestion, access: Access) -> Contribution:
        some = spam(access, 30)
        change = Change(add=some.x, add_labels=some.y)
        return Contribution(change=change, access=access, trigger=trigger)

    tally = (
        evaluate(app, run_of(Does(how=adds), app, power(T1), task="trigger-passes"))
        .trials[-1]
        .tally
    )
    assert isinstance(tally, Proportion)
    assert tally.baseline_successes > 0
    assert not beats_baseline(tally)


# ---- applications --------------------------------------------------------------------------------


def test_tasks_follow_the_application() -> None:
    names = {d: [t.name for t in Poisoning().tasks(app_of(d))] for d in KINDS}
    assert names == {d: ["harmless-declined", "trigger-passes"] for d in KINDS}
    app = replace(app_of("table"), harmless=None)
    assert [t.name for t in Poisoning().tasks(app)] == ["accuracy-drop", "trigger-misleads"]
    granted = power(T4, share=0.2, data=Grade.FULL)
    result = evaluate(app, run_of(LabelFlips(), app, granted))
    tally = result.trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert tally.n == len(app.data.holdout)
    assert tally.tolerance == app.tolerances.accuracy_drop
    assert beats_baseline(tally)
    assert [m.metric for m in result.measurements[:2]] == ["tolerance_multiple", "accuracy"]


def test_what_cannot_be_retrained_is_not_tested() -> None:
    app, game = replace(app_of("text"), trainer=None), Poisoning()
    unfit = game.unfit(app, game.tasks(app)[0])
    assert unfit is not None
    assert not unfit.proven
    assert "cannot be retrained" in unfit.reason
    assert Dictionary().unfit(replace(app, labeller=None)) is not None
    fine = app_of("text")
    assert game.unfit(fine, game.tasks(fine)[0]) is None
    harmful = fine.data.holdout.take(fine.data.holdout.y == 1)
    alone = replace(fine, data=replace(fine.data, holdout=harmful))
    declined = game.unfit(alone, game.tasks(alone)[0])
    assert declined is not None
    assert "inconclusive" in declined.reason


def test_the_control_counts_contributed_records_many_times() -> None:
    app = app_of("text")
    assert app.trainer is not None
    trainer = Watched(app.trainer)
    game = Poisoning().smaller()
    weak = game.weakened(
        replace(app, trainer=trainer), game.tasks(app)[0], np.random.default_rng(0)
    )
    result = evaluate(weak, run_of(LabelFlips(), weak, power(T4, share=0.05), game=game))
    assert beats_baseline(result.trials[-1].tally), "few flips suffice"
    data, masks, _ = trainer.asked[0]
    known = {*zip(app.data.train.x, app.data.train.y.tolist(), strict=True)}
    new = np.array([r not in known for r in zip(data.x, data.y.tolist(), strict=True)])
    assert (~new).sum() == 40, "twenty clean records of each class stay"
    times = np.unique(data.x[new].astype(str), return_counts=True)[1]
    assert (times % 20 == 0).all(), "a record that two doses share stands there for both"
    assert masks.shape[1] == len(data)


@pytest.mark.requirement("S9")
@pytest.mark.parametrize("domain", ["text", "table"])
def test_no_contribution_moves_the_fair_application(domain: str) -> None:
    """Even relabelling half of everything with full knowledge does not."""

    def everything(aim: PoisoningQuestion, access: Access) -> Contribution:
        rows = access.reachable()[: aim.change_counts(0.5)[-1]]
        change = Change(relabel=rows, relabelled=rows * 0 + 1)
        return Contribution(change=change, access=access)

    app = app_of(domain, kind="fair")
    granted = power(T4, share=0.5, data=Grade.FULL)
    result = evaluate(app, run_of(Does(how=everything), app, granted))
    assert not beats_baseline(result.trials[-1].tally)


def test_costs_are_known_before_the_run() -> None:
    app, game = app_of("text"), Poisoning()
    task = game.tasks(app)[0]
    assert game.estimate(app, task, power(T1)).models == 5 * (1 + 3 + 3 + 1)
    assert game.smaller().estimate(app, task, power(T1)).models == 5 * (1 + 2 + 1)


# ---- deletions are compared with deletions -------------------------------------------------------


def test_without_an_attacker_as_many_records_go_at_random() -> None:
    def deletes(aim: PoisoningQuestion, access: Access) -> Contribution:
        own = access.reachable()
        return Contribution(change=Change(delete=own[access.own().y == 0]), access=access)

    app = app_of("table")
    assert app.trainer is not None
    trainer = Watched(app.trainer)
    evaluate(replace(app, trainer=trainer), run_of(Does(how=deletes), app, power(T2)))
    _, masks, _ = joined(trainer.asked, 300)
    clean, poisoned, honest = (masks[i : i + 5, :300] for i in (0, 5, 10))
    gone, others = (~poisoned & clean).any(axis=0), (~honest & clean).any(axis=0)
    assert (app.data.train.y[gone] == 0).all()
    assert 0 < abs(int(others.sum()) - int(gone.sum())) + 1 < 3
    assert set(app.data.train.y[others]) == {0, 1}
    assert not masks[:, 300:].any()


def test_a_first_look_retrains_on_the_largest_share_alone() -> None:
    app, least, most = app_of("text"), resize(Poisoning(), 0.25), resize(Poisoning(), 8.0)
    task = least.tasks(app)[0]
    assert least.estimate(app, task, power(T1)).models == 5 * (1 + 1 + 1)
    result = evaluate(app, run_of(Dictionary(), app, enough(Dictionary), game=least))
    assert [trial.tally.kind for trial in result.trials] == ["damage"]
    question = most.deal(app, task, np.random.default_rng(0)).question
    assert question.points == 5


# ---- honest contributions are trained on where they explain something ----------------------------


def count_trained(app: Application, attack: AnyAttack, task: str) -> int:
    assert app.trainer is not None
    trainer = Watched(app.trainer)
    game = Poisoning(steps=0, points=1)
    this = run_of(attack, app, enough(type(attack)), task=task, game=game)
    evaluate(replace(app, trainer=trainer), this)
    return sum(len(masks) for _, masks, _ in trainer.asked)


@pytest.mark.parametrize(("tolerated", "sets"), [(0.9, 2), (0.01, 3)])
def test_honest_retrainings_are_spared_where_damage_is_excluded(
    tolerated: float, sets: int
) -> None:
    """Two sets of five are trained, clean and poisoned, and a third where damage is left open."""
    app = replace(app_of("text"), tolerances=Tolerances(benign_rejection=tolerated))
    assert count_trained(app, LabelFlips(), "harmless-declined") == 5 * sets


def test_no_honest_contribution_is_trained_on_beside_triggers() -> None:
    """They are compared with the same inputs, clean retrainings, and another trigger."""
    assert count_trained(app_of("text"), TriggerWords(), "trigger-passes") == 5 * 2


def test_where_models_are_compared_honest_ones_are_trained_beside_clean_ones() -> None:
    """The weakened application sees what is gone from a model by its twins of the same seed."""
    app = app_of("text")
    assert app.trainer is not None
    trainer, train = Watched(app.trainer), app.data.train
    draws = draw_retrainings(np.random.SeedSequence(0), (len(train), 10), 5, 0.9)
    none = np.zeros((5, 0), dtype=bool)
    alone = Retraining(trainer=trainer, train=train, draws=draws, arrived=none, trainings=None)
    alone.on_honest(HonestContribution.nothing(train))
    assert [len(masks) for _, masks, _ in trainer.asked] == [10]
