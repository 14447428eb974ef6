"""What has no attack must not keep a goal open by itself: every variant and built-in attacker."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.standing import StandingKind
from goalkeeper.policy import default_policy
from goalkeeper.testing.worlds import evasion
from goalkeeper.untested import Hole, Untested

POLICY = default_policy()
KINDS = ("text", "table", "image")

# Known holes: (variant, kinds of input without an attack). Whoever closes one takes it out.
OPEN: dict[str, set[str]] = {}


@pytest.fixture(scope="module")
def apps() -> dict[str, Application]:
    rng = np.random.default_rng(0)
    return {kind: evasion.rigged(kind, rng) for kind in KINDS}


def attacked(kind: str) -> set[str]:
    return {a.variant for a in catalogue().values() if kind in a.domains}


@pytest.mark.parametrize("kind", KINDS)
def test_no_variant_without_an_attack_keeps_a_goal_open_for_a_built_in_attacker(
    kind: str, apps: dict[str, Application]
) -> None:
    lacking = [v for v in POLICY.variants() if not attacked(kind) & {v.id, v.measured_by}]
    open_ = {
        variant.id
        for variant in lacking
        for who in POLICY.attackers.values()
        if (hole := Untested(app=apps[kind], variant=variant).hole(who)) is not None
        and hole.standing.decides
        and hole.status is Status.NOT_TESTED
    }
    assert open_ == {id_ for id_, kinds in OPEN.items() if kind in kinds}


def hole_of(app: Application, id_: str, who: str) -> Hole:
    """What a variant leaves open for a built-in attacker who can mount it."""
    found = Untested(app=app, variant=POLICY.variant(id_)).hole(POLICY.attackers[who])
    assert found is not None
    return found


def test_what_an_attacker_cannot_write_is_not_left_open(apps: dict[str, Application]) -> None:
    app = replace(apps["table"], harmless=0)
    own = hole_of(app, "evasion.substitute", "customer")
    stored = hole_of(app, "evasion.substitute", "insider")
    assert {h.goal for h in own.task.harms} == {Goal.INTEGRITY}
    assert {h.goal for h in stored.task.harms} == {Goal.INTEGRITY, Goal.AVAILABILITY}


def test_what_follows_from_a_grant_is_not_left_open(apps: dict[str, Application]) -> None:
    holder = hole_of(apps["image"], "extraction.equation_solving", "device_holder")
    assert holder.standing.kind is StandingKind.NO_HARM
    assert holder.standing.reason in holder.reason
    variant = POLICY.variant("extraction.equation_solving")
    outsider = POLICY.attackers["outsider"]
    assert Untested(app=apps["image"], variant=variant).hole(outsider) is None


def test_what_rests_on_more_than_any_attacker_has_says_so(apps: dict[str, Application]) -> None:
    kinds = {
        id_: hole_of(apps["image"], id_, "insider").standing.kind
        for id_ in ("inversion.generative", "membership.audit_one_run")
    }
    assert kinds == {
        "inversion.generative": StandingKind.BY_ASSUMPTION,
        "membership.audit_one_run": StandingKind.NO_HARM,
    }


@pytest.mark.parametrize("id_", ["extraction.path_finding", "internals.indicators"])
def test_what_is_not_attacked_for_some_inputs_is_not_called_impossible(
    id_: str, apps: dict[str, Application]
) -> None:
    """Trees may be grown on pixels, too: that is shown as not tested, and keeps no goal open."""
    hole = hole_of(apps["image"], id_, "customer")
    assert hole.status is Status.NOT_TESTED
    assert hole.standing.kind is StandingKind.BY_ASSUMPTION


@pytest.mark.parametrize("kind", KINDS)
def test_hyperparameters_and_family_concern_every_kind_of_input(kind: str) -> None:
    assert {"internals.hyperparameters", "internals.family_guess"} <= attacked(kind)
    for name in ("hyperparameters", "family_guess"):
        assert not POLICY.variant(f"internals.{name}").inputs
