"""Make the plan: match every attack with every attacker; what cannot be run has its reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from goalkeeper.attack_run import AnyAttack
from goalkeeper.attacks import catalogue
from goalkeeper.core.application import Application
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import Attacker
from goalkeeper.games.base import resize
from goalkeeper.planning.matching import Matcher, variant_of
from goalkeeper.planning.plan import Choice, Plan, PlanEntry
from goalkeeper.policy import Policy, default_policy
from goalkeeper.untested import Untested


def make_plan(
    app: Application,
    policy: Policy | None = None,
    *,
    seed: int = 0,
    choice: Choice | None = None,
) -> Plan:
    """Match every attack against every attacker of the application.

    Raises
    ------
    DescriptionError
        The choice names an attack, an attacker or a setting that does not exist.
    """
    policy, choice = policy or default_policy(), choice or Choice()
    attackers = _select_attackers(app.attackers or tuple(policy.attackers.values()), choice)
    attacks = {name: _configure(name, choice) for name in catalogue()}
    _check_names("attack", [*choice.attacks, *choice.settings], attacks)
    interim = {name: _configure(name, choice.interim()) for name in attacks}
    entries: list[PlanEntry] = []
    covered: set[str] = set()
    for name, attack in attacks.items():
        variant = variant_of(name, attack, policy)
        if app.domain.kind not in attack.domains:
            continue
        for task in filter(attack.covers, attack.game().tasks(app)):
            covered.add(variant.id)
            if choice.goals and not {harm.goal for harm in task.harms} & set(choice.goals):
                continue
            matcher = Matcher(
                app=app,
                choice=choice,
                seed=seed,
                name=name,
                attack=attack,
                interim=interim[name],
                task=task,
                variant=variant,
            )
            entries += [entry for who in attackers for entry in matcher.entries(who)]
    missing = [
        Untested(app=app, variant=v)
        for v in policy.variants()
        if not covered & {v.id, v.measured_by}
    ]
    entries += [
        gap for v in missing for who in attackers if (gap := _variant_entry(v, who, choice))
    ]
    wanted = [e for e in entries if not choice.goals or set(e.goals) & set(choice.goals)]
    return Plan(entries=tuple(wanted), attackers=attackers, choice=choice)


def _variant_entry(gap: Untested, who: Attacker, choice: Choice) -> PlanEntry | None:
    """Make the entry of a variant without an attack; None if this attacker cannot mount it."""
    hole = gap.hole(who, excluded=bool(choice.attacks))
    if hole is None:
        return None
    return PlanEntry(
        attack="",
        game=gap.variant.family,
        task=hole.task,
        variant=gap.variant,
        attacker=who,
        need=gap.variant.powers[0],
        status=hole.status,
        reasons=(hole.reason,),
        standing=hole.standing,
    )


def _configure(name: str, choice: Choice) -> AnyAttack:
    cls = catalogue()[name]
    wanted = choice.settings.get(name, {})
    _check_names(f"setting of {name}", wanted, [f.name for f in fields(cls)])
    return replace(resize(cls(), choice.effort), **wanted)


def _select_attackers(attackers: tuple[Attacker, ...], choice: Choice) -> tuple[Attacker, ...]:
    named = {a.name: a for a in attackers}
    _check_names("attacker", choice.attackers, named)
    return tuple(a for a in attackers if not choice.attackers or a.name in choice.attackers)


def _check_names(what: str, given: Iterable[str], valid: Iterable[str]) -> None:
    from difflib import get_close_matches

    names = list(valid)
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            raise DescriptionError(
                f"there is no {what} named {name!r}",
                expected=f"{near[0]!r}?" if near else "one of " + ", ".join(names),
                given=name,
                advice="see `goalkeeper list attacks` and `goalkeeper list attackers`",
            )
