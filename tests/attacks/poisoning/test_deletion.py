"""Deletions: which records go, what that costs, and what is compared with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, execute
from goalkeeper.attacks.poisoning.deletion import Deletion
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.evidence import DamageCount, Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.games.poisoning import Poisoning
from goalkeeper.games.tallies import beats_baseline, value
from tests.attacks.poisoning.handing_in import answers_of, app_of, handed_in, knowing, result_of

DOMAINS = ("text", "table", "image")


@pytest.mark.requirement("S12", "S13")
@pytest.mark.parametrize("domain", DOMAINS)
def test_own_harmless_records_go_and_nothing_comes(domain: str) -> None:
    app, access, answers = handed_in(Deletion(), domain)
    change = answers[-1].change
    assert change.cells() is Capability.T2
    assert (app.data.train.y[change.delete] == 0).all()
    assert set(change.delete) <= set(access.reachable())
    checked = access.check(change)
    assert len(checked.extra) == 0
    assert checked.removed.sum() == len(change.delete)
    assert set(answers[0].change.delete) < set(change.delete), "the same rows first, then more"


@pytest.mark.requirement("S13")
def test_those_closest_to_the_harmful_ones_go_first() -> None:
    app, _, answers = handed_in(Deletion(), "table", knowing(Capability.T2))
    train, gone = app.data.train, answers[-1].change.delete
    assert len(gone) == 30
    # The classes differ in the first column only: harmful rows lie to the right.
    stay = np.setdiff1d(np.flatnonzero(train.y == 0), gone)
    assert train.x[gone, 0].min() >= train.x[stay, 0].max()


@pytest.mark.requirement("S13", "S30")
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_niche_whose_harmless_record_goes_is_lost(domain: str) -> None:
    """Every harmless record holds a niche of two of 300 harmless inputs; all are collected.

    30 of 150 niches go; a few fall to another harmless record by chance.
    """
    game = Poisoning(kept=1.0, points=1)
    result = result_of(Deletion(), domain, knowing(Capability.T2), game=game)
    tally = result.trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert all(45 <= gained <= 60 for gained in tally.gained)
    assert set(tally.lost) == {0}
    head = result.measurements[0]
    assert "deleted at random" in head.note
    assert 0 < head.baseline < head.value, "half of the records that go at random are harmless"
    assert result.exhibits[0].private


def test_a_class_is_never_deleted_as_a_whole() -> None:
    app = app_of("table")
    _, answers = answers_of(Deletion(), app, knowing(Capability.T2, share=0.9))
    assert len(answers[-1].change.delete) == 135
    _, answers = answers_of(
        Deletion(spared=0.5), replace(app, harmless=None), knowing(Capability.T2, share=0.9)
    )
    assert len(answers[-1].change.delete) == 75


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_weakened_application_gives_way_to_few_deletions(domain: str) -> None:
    app, game = app_of(domain), Poisoning().smaller()
    weak = game.weakened(app, game.tasks(app)[0], np.random.default_rng(0))
    result = result_of(Deletion(), weak, share=0.05, game=game)
    assert beats_baseline(result.trials[-1].tally)
    assert value(result.trials[-1].tally) > 5


def test_without_a_harmless_class_it_deletes_what_it_has() -> None:
    """Of the few records in its reach none need be of the class that is most frequent elsewhere."""
    for domain in DOMAINS:
        app = replace(app_of(domain), harmless=None)
        y = app.data.train.y
        game = Poisoning(points=1)
        few = Power(
            knowledge=Knowledge(data=Grade.PARTIAL),
            capabilities=Capability.T2,
            budget=Budget(share=2.5 / len(y)),
        )
        for seed in range(5):
            dealt = game.deal(app, game.tasks(app)[0], np.random.default_rng(0))
            terms = Terms(
                granted=few,
                rng=np.random.default_rng(seed),
                victim=np.random.SeedSequence(seed),
            )
            answer = Deletion().run(dealt.question, Access(app, terms))
            assert len(answer.change.delete), (domain, seed)


def test_who_has_no_harmless_record_is_told_so() -> None:
    app = app_of("table")
    data = replace(app.data, train=replace(app.data.train, y=np.ones_like(app.data.train.y)))
    few = Power(
        knowledge=Knowledge(data=Grade.PARTIAL),
        capabilities=Capability.T2,
        budget=Budget(share=0.05),
    )
    run = AttackRun(
        attack=Deletion(), game=Poisoning(), task=Poisoning().tasks(app)[0], granted=few, seed=0
    )
    result = execute(replace(app, data=data), run)
    assert result.status is Status.NOT_TESTED
    assert "training records that this attacker may delete is of the class" in result.reason
    assert "less than one record" not in result.reason
