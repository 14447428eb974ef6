"""Trainings that are made once: reference models of all attacks, and what is kept of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.attack_run import AttackRun, evaluate, execute
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.membership.relative_likelihood import RelativeLikelihood
from goalkeeper.attacks.membership.shadow_likelihood import ShadowLikelihood
from goalkeeper.compute.store import Store
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Data, Floats, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import View
from goalkeeper.core.reference import (
    EachTime,
    TrainingSets,
    draw_balanced_masks,
    plan_chunks,
    plan_stages,
)
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.game import TASK
from goalkeeper.games.membership.memorising import MemorisingTrainer
from goalkeeper.training import SklearnTrainer
from goalkeeper.training.kept import Bounded, KeptTrainings
from goalkeeper.training.sizes import measure_bytes
from tests.contract.harness import enough
from tests.evidence import without_times

DOMAIN = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(3)))
N = 80  # records of each part


def part(seed: int, classes: int) -> Data:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, 3))
    y = (x[:, 0] + rng.normal(size=N) > 0).astype(np.int64) + (rng.random(N) < 0.2) * (classes - 2)
    return Data(x=x, y=y)


def application(
    estimator: Any = None, *, classes: int = 2, store: Path | None = None, memory: int = 1 << 24
) -> Application:
    """A table; small, so that a membership attack takes a moment."""
    compute = ComputeSettings(store=str(store or ""), memory=memory)
    data = Splits(
        **{
            name: part(seed, classes)
            for seed, name in enumerate(("train", "holdout", "calibration", "similar"))
        }
    )
    names = tuple("abcdef"[:classes])
    trainer = SklearnTrainer(
        DecisionTreeClassifier(max_depth=2) if estimator is None else estimator,
        names,
        DOMAIN,
        compute=compute,
    )
    return Application(
        name="kept",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=DOMAIN,
        classes=names,
        trainer=trainer,
        lookalike=trainer,
        compute=compute,
    )


def run_of(attack: Attack[Any, Any], per_side: int = 60) -> AttackRun:
    return AttackRun(
        attack=attack,
        game=Membership(per_side=per_side),
        task=TASK,
        granted=enough(type(attack)),
        seed=5,
    )


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many models each call trained."""
    asked: list[int] = []
    fit_many = SklearnTrainer.fit_many

    def counted(self: SklearnTrainer, data: Data, masks: Any, seeds: Any) -> Any:
        asked.append(len(masks))
        return fit_many(self, data, masks, seeds)

    monkeypatch.setattr(SklearnTrainer, "fit_many", counted)
    return asked


# ---- one pool ------------------------------------------------------------------------------------


def shown(app: Application, models: int) -> list[Any]:
    """Every stage of the reference models that an attack is given of the holdout data."""
    terms = Terms(
        granted=enough(RelativeLikelihood),
        rng=np.random.default_rng(len(app.name)),
        victim=np.random.SeedSequence(1),
        reference=np.random.SeedSequence(2),
        trainings=app.once(KeptTrainings),
    )
    return list(Access(app, terms).reference_models(app.data.holdout, models))


def test_who_asks_for_more_gets_the_same_first_ones(trained: list[int]) -> None:
    app = application()
    few, many = shown(app, 8), shown(app, 64)
    assert [len(stage.member) for stage in (*few, *many)] == [8, 16, 32, 64]
    for stage in (*few, *many):
        size = len(stage.member)
        assert np.array_equal(stage.confidences, many[-1].confidences[:size])
        assert np.array_equal(stage.member, many[-1].member[:size])
        assert (stage.member.sum(axis=0) == size / 2).all()
    assert sum(trained) == 64
    alone = shown(application(), 64)
    assert np.array_equal(alone[-1].confidences, many[-1].confidences)


@pytest.mark.parametrize("models", [4, 6, 8, 16, 24, 64, 100])
def test_chunks_are_the_same_however_many_are_asked_for(models: int) -> None:
    chunks, all_chunks = list(plan_chunks(models)), list(plan_chunks(512))
    assert chunks == all_chunks[: len(chunks)]
    assert sum(size for _, size, _ in chunks) >= models == sum(plan_stages(models))


def test_confidences_are_those_of_the_class_and_of_all_others() -> None:
    app = application(classes=3)
    assert app.trainer is not None
    rng = np.random.default_rng(0)
    sets = TrainingSets(data=app.data.train, masks=draw_balanced_masks(4, N, rng), seeds=range(4))
    scores = app.trainer.fit_many(sets.data, sets.masks, sets.seeds).scores(sets.data.x[:10])
    own = np.take_along_axis(scores, np.broadcast_to(sets.data.y[:10, None], (4, 10, 1)), 2)[..., 0]
    for memory in (1, 1 << 20):
        (found,) = EachTime(3, memory).confidences(app.trainer, [sets], 10)
        np.testing.assert_allclose(found, np.stack([own, 1 - own], axis=-1), atol=1e-12)


def test_attacks_and_their_controls_share_reference_models(trained: list[int]) -> None:
    """Each costs what it would alone, and finds what it would alone."""
    attacks = (RelativeLikelihood(models=8), ShadowLikelihood(models=16))
    alone = [execute(application(), run_of(attack)) for attack in attacks]
    assert all(any(c.name.startswith("breaks") for c in result.controls) for result in alone)
    assert sum(trained) == 8 + 16
    app, before = application(), len(trained)
    together = [execute(app, run_of(attack)) for attack in attacks]
    assert sum(trained[before:]) == 16
    assert [result.cost.models for result in together] == [8, 16]
    assert list(map(without_times, together)) == list(map(without_times, alone))


def test_more_effort_trains_what_is_missing(trained: list[int]) -> None:
    """A smaller question is a part of the larger one, and has its reference models."""
    app = application()
    for models, per_side in ((4, 20), (8, 60)):
        run = run_of(RelativeLikelihood(models=models))
        evaluate(app, replace(run, game=Membership(per_side=per_side, whole=60)))
    assert trained == [4, 4]


def test_a_control_asks_about_a_part_of_the_question_of_its_run() -> None:
    app, game = application(), Membership(per_side=60, whole=60)
    whole = game.deal(app, TASK, np.random.default_rng(1))
    small = replace(game.smaller(), per_side=20)
    assert small.whole == 60
    dealt = small.deal(app, TASK, np.random.default_rng(1))
    assert dealt.part_of is not None
    assert np.array_equal(dealt.part_of.records.x, whole.question.x)
    assert np.array_equal(dealt.part_of.records.x[dealt.part_of.rows], dealt.question.x)
    roles = dealt.secret
    assert [int(r.sum()) for r in (roles.member, roles.non_member, roles.calibration)] == [20] * 3
    assert np.array_equal(roles.member, whole.secret.member[dealt.part_of.rows])
    assert dealt.withheld is not None
    hidden = {tuple(row) for row in app.data.train.x[dealt.withheld]}
    assert hidden == {tuple(row) for row in dealt.question.x[roles.member]}


@pytest.mark.parametrize("classes", [2, 3])
def test_models_that_only_rewrite_answers_are_not_trained(classes: int, trained: list[int]) -> None:
    """What is rewritten is what such models would have answered."""
    app = application(classes=classes)
    assert app.trainer is not None
    others = app.data.holdout
    pool = app.data.train.joined(others).joined(part(9, classes))
    masks = draw_balanced_masks(4, len(pool), np.random.default_rng(0))
    sets = TrainingSets(data=pool, masks=masks, seeds=range(4))
    weak, kept = MemorisingTrainer(app.trainer, others), KeptTrainings(app)
    (truth,) = EachTime(classes, 1 << 20).confidences(weak, [sets], len(pool))
    kept.confidences(app.trainer, [sets], len(pool))
    before = len(trained)
    (found,) = kept.confidences(weak, [sets], len(pool))
    np.testing.assert_allclose(found, truth, atol=1e-12)
    assert len(trained) == before


# ---- what is kept --------------------------------------------------------------------------------


def test_evidence_does_not_depend_on_what_was_kept(tmp_path: Path, trained: list[int]) -> None:
    """Without a store, with an empty one, a full one, and one left behind half way."""
    attack = run_of(RelativeLikelihood(models=16))
    plain = without_times(evaluate(application(), attack))
    for expected in (16, 0):
        before = len(trained)
        assert without_times(evaluate(application(store=tmp_path), attack)) == plain
        assert sum(trained[before:]) == expected
    entries = sorted(p for p in tmp_path.glob("arrays/*/*") if p.is_file())
    assert len(entries) == 4, "one for every four models"
    entries[0].unlink()
    entries[1].write_bytes(entries[1].read_bytes()[:200])
    before = len(trained)
    assert without_times(evaluate(application(store=tmp_path), attack)) == plain
    assert 0 < sum(trained[before:]) < 16


def test_what_another_process_trains_is_left_to_it(
    tmp_path: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is next is trained first; what the other one then has stored is taken."""
    truth = shown(application(), 16)[0]
    claims: list[tuple[str, bool, int]] = []
    trained.clear()

    @contextmanager
    def computing(store: Store, key: str, *, wait: bool = True) -> Iterator[bool]:
        claims.append((key, wait, sum(trained)))
        theirs = key == claims[0][0]
        if theirs and wait:
            store.put_arrays(key, {"answers": truth.confidences[:4]})
        yield wait or not theirs

    monkeypatch.setattr(Store, "computing", computing)
    found = shown(application(store=tmp_path), 16)[0]
    assert np.array_equal(found.confidences, truth.confidences)
    assert claims[-1] == (claims[0][0], True, 12)
    assert sum(trained) == 12


def test_what_does_not_fit_is_trained_again_and_answers_the_same(trained: list[int]) -> None:
    """With a byte of memory nothing is kept but by who holds it."""
    roomy, narrow = application(), application(memory=1)
    sets = TrainingSets(
        data=roomy.data.train,
        masks=draw_balanced_masks(4, N, np.random.default_rng(0)),
        seeds=range(4),
    )
    x, found = roomy.data.holdout.x, []
    for app, again in ((roomy, 0), (narrow, 4)):
        assert app.trainer is not None
        kept = app.once(KeptTrainings)
        first = kept.trained(app.trainer, sets)
        found += [first.scores(x), first.labels(x), first.scores(x[:5])]
        before = len(trained)
        target = kept.trained(app.trainer, sets).target(3)
        assert np.array_equal(target.answer(x, View.LABELS).labels, found[-2][3])
        assert sum(trained[before:]) == again
    assert all(np.array_equal(a, b) for a, b in zip(found[:3], found[3:], strict=True))


def test_only_the_same_is_found_again(trained: list[int]) -> None:
    """Another record, subset, seed or recipe is another training."""
    app = application(RandomForestClassifier(2))
    assert app.trainer is not None
    masks = draw_balanced_masks(4, N, np.random.default_rng(0))
    sets = TrainingSets(data=app.data.train, masks=masks, seeds=[1, 2, 3, 4])
    kept, x = KeptTrainings(app), app.data.holdout.x
    flipped = masks.copy()
    flipped[0, 0] ^= True
    other = SklearnTrainer(RandomForestClassifier(3), app.classes, DOMAIN)
    asked = [
        (app.trainer, sets),
        (app.trainer, replace(sets, data=app.data.similar)),
        (app.trainer, replace(sets, masks=flipped)),
        (app.trainer, replace(sets, seeds=[1, 2, 3, 5])),
        (other, sets),
    ]
    found = [kept.trained(*each).scores(x) for each in (*asked, *asked)]
    assert trained == [4] * len(asked)
    assert len({scores.tobytes() for scores in found}) == len(asked)


def test_answers_that_are_given_out_are_copies() -> None:
    app = application(LogisticRegression())
    assert app.trainer is not None
    masks = draw_balanced_masks(4, N, np.random.default_rng(0))
    sets = TrainingSets(data=app.data.train, masks=masks, seeds=range(4))
    models = KeptTrainings(app).trained(app.trainer, sets)
    x = app.data.holdout.x
    first, second = models.scores(x), models.scores(x)
    assert not first.flags.writeable
    assert not np.shares_memory(first, second)


class Wrapping:
    """A trainer of somebody else: its recipe does not say all."""

    recipe = "something"

    def __init__(self, trainer: SklearnTrainer) -> None:
        self.fit, self.fit_many = trainer.fit, trainer.fit_many


def test_trainers_of_others_are_told_apart_and_not_stored(tmp_path: Path) -> None:
    app = application(store=tmp_path)
    assert isinstance(app.trainer, SklearnTrainer)
    stump = SklearnTrainer(DecisionTreeClassifier(max_depth=1), app.classes, DOMAIN)
    masks = draw_balanced_masks(4, N, np.random.default_rng(0))
    sets = TrainingSets(data=app.data.train, masks=masks, seeds=range(4))
    kept, x = KeptTrainings(app), app.data.holdout.x
    found: list[Floats] = [
        kept.trained(Wrapping(one), sets).scores(x) for one in (app.trainer, stump, app.trainer)
    ]
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])
    assert not list(tmp_path.glob("arrays/*/*"))


def test_the_longest_unused_goes_first() -> None:
    kept: Bounded[str] = Bounded(10)
    kept.put("a", "first", 4)
    kept.put("b", "second", 4)
    assert kept.get("a") == "first"
    kept.put("c", "third", 4)
    kept.put("d", "too large", 11)
    assert [kept.get(key) for key in "abcd"] == ["first", None, "third", None]


def test_the_size_of_models_is_that_of_their_arrays() -> None:
    small, large = (application(RandomForestClassifier(trees)).target for trees in (4, 64))
    assert 8 * measure_bytes(small) < measure_bytes(large) < 32 * measure_bytes(small)
    shared = np.zeros(1000)
    assert measure_bytes([shared, {"same": shared}, lambda: shared]) == shared.nbytes
