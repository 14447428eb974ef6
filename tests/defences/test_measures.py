"""Measures around the model: what they leave to whom, and that nobody else loses anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

import goalkeeper as gk
from goalkeeper.core.power import Capability, Grade, View
from goalkeeper.defences import Chosen, apply_chosen, catalogue
from tests.defences.applications import APPLICATIONS

MEASURES = ("sealed_model", "two_signatures", "closed_training", "input_checks")


@pytest.fixture(scope="module")
def app() -> gk.Application:
    return APPLICATIONS["linear"]()


def defended(app: gk.Application, name: str) -> gk.Application:
    defence = catalogue()[name]()
    return apply_chosen(app, (Chosen(name, defence, defence.settings()),))


def attacker(app: gk.Application, name: str) -> gk.Attacker:
    return next(a for a in app.attackers if a.name == name)


def test_a_sealed_model_leaves_answers_with_scores(app: gk.Application) -> None:
    made = defended(app, "sealed_model")
    insider = attacker(made, "insider").power
    assert insider.knowledge.model is Grade.NONE
    assert insider.view is View.SCORES
    assert insider.knowledge.data is Grade.FULL
    assert attacker(made, "customer") == attacker(app, "customer")


def test_two_signatures_bind_who_works_on_the_application(app: gk.Application) -> None:
    made = defended(app, "two_signatures")
    insider = attacker(made, "insider")
    assert insider.power.capabilities.names() == ("M1", "M2", "O")
    assert insider.power.budget.share == 0
    assert insider.writes == "own"
    assert insider.power.knowledge.model is Grade.FULL
    assert attacker(made, "contributor") == attacker(app, "contributor")


def test_closed_training_takes_contributions_from_outside(app: gk.Application) -> None:
    made = defended(app, "closed_training")
    outside = attacker(made, "contributor").power
    assert not outside.capabilities & (Capability.T2 | Capability.T3 | Capability.M4)
    assert Capability.M2 in outside.capabilities
    assert outside.budget.share == 0
    assert attacker(made, "insider") == attacker(app, "insider")
    assert made.feedback is not None
    assert made.feedback.rounds == 0


def test_input_checks_are_described(app: gk.Application) -> None:
    assert defended(app, "input_checks").wiring.validates


@pytest.mark.parametrize("name", MEASURES)
def test_the_report_says_that_a_measure_is_taken_from_the_description(
    app: gk.Application, name: str
) -> None:
    made = defended(app, name)
    assert "was not tested" in made.caveats[-1]
    assert catalogue()[name]().lacks(made), "there is nothing left to take"


def test_results_stay_valid_where_only_attackers_differ(app: gk.Application) -> None:
    """What was read from files is known by its hashes, to which a defence adds its own."""
    from_files = replace(app, hashes={"model.joblib": "abc"})
    assert defended(from_files, "sealed_model").fingerprint == from_files.fingerprint
    assert defended(from_files, "rounding").fingerprint != from_files.fingerprint
