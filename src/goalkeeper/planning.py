"""Plan: match attacks with attackers; what cannot be run is listed with the reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from pydantic import JsonValue

from goalkeeper.attack_run import AnyAttack, AttackRun
from goalkeeper.attacks import catalogue
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate, PlanRow
from goalkeeper.core.errors import DescriptionError, PolicyError
from goalkeeper.core.evidence import Measurement, Status, jsonable
from goalkeeper.core.goals import Goal
from goalkeeper.core.late import ON_TOP
from goalkeeper.core.power import Attacker, Budget, Grade, Knowledge, Power, View
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.base import Task, Unfit, resize
from goalkeeper.policy import Policy, Variant, default_policy
from goalkeeper.untested import Untested

IDENTITY = 1  # version of the scheme of unit ids; increase it when the scheme changes


@dataclass(frozen=True, eq=False, kw_only=True)
class Unit:
    """One attack run in a plan, identified by everything that determines its result."""

    id: str
    attack: str
    settings: Mapping[str, JsonValue]
    run: AttackRun
    estimate: Estimate
    effort: float = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanEntry:
    """One attack x task x attacker: planned (it has a unit) or skipped, with reasons.

    A variant of the taxonomy without an attack gets an entry with an empty attack name, so that
    what goalkeeper cannot test is always reported.
    """

    attack: str
    game: str
    task: Task
    variant: Variant
    attacker: Attacker
    need: Power
    unit: Unit | None = None
    status: Status | None = None  # if skipped; None: the attacker lacks the power
    reasons: tuple[str, ...] = ()
    standing: Standing = DECIDES
    measured: tuple[Measurement, ...] = ()  # by the check that rules it out

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The goals that a measured success counts for, each once."""
        return tuple(dict.fromkeys(harm.goal for harm in self.task.harms))

    def row(self) -> PlanRow:
        """Return the entry as a row of the assessment."""
        return PlanRow(
            attack=self.attack,
            game=self.game,
            task=self.task.name,
            variant=self.variant.id,
            attacker=self.attacker.name,
            status="planned" if self.unit else "skipped",
            reasons=self.reasons,
            goals=self.goals,
            unit=self.unit.id if self.unit else "",
            estimate=self.unit.estimate if self.unit else Estimate(),
            standing=self.standing,
        )


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the user selected: goals, attacks and attackers (empty: all), attack settings, effort.

    The effort multiplies sample sizes and numbers of models; the default is 1.
    """

    goals: tuple[Goal, ...] = ()
    attacks: tuple[str, ...] = ()
    attackers: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    effort: float = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """Everything that will be run, and everything that will not, with reasons."""

    entries: tuple[PlanEntry, ...]
    attackers: tuple[Attacker, ...]
    choice: Choice = Choice()

    def __str__(self) -> str:
        return str(self._summary("summarise_plan"))

    def __repr__(self) -> str:  # what a notebook or a prompt shows
        return str(self)

    def _repr_html_(self) -> str:
        return str(self._summary("summarise_plan_html"))

    def _summary(self, renderer: str) -> str:
        rows = tuple(entry.row() for entry in self.entries)
        text: str = ON_TOP.call("report.summary", renderer, rows, self.choice.effort)
        return text

    @property
    def units(self) -> tuple[Unit, ...]:
        """The attack runs, each once: attackers with the same grant share one."""
        return tuple({e.unit.id: e.unit for e in self.entries if e.unit}.values())

    def hypotheses(self) -> dict[Goal, int]:
        """Count the planned tests of each goal, by which alpha is divided; fixed before a run.

        Runs that may not decide are no tests of a goal.
        """
        planned = {goal: set[str]() for goal in Goal}
        for entry in self.entries:
            if entry.unit and entry.standing.decides:
                for goal in entry.goals:
                    planned[goal].add(entry.unit.id)
        return {goal: max(1, len(units)) for goal, units in planned.items()}


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
    entries: list[PlanEntry] = []
    covered: set[str] = set()
    for name, attack in attacks.items():
        variant = variant_of(name, attack, policy)
        if app.domain.kind not in attack.domains:
            continue
        for task in filter(attack.covers, attack.game().tasks(app)):
            covered.add(variant.id)
            matcher = _Matcher(
                app=app,
                choice=choice,
                seed=seed,
                name=name,
                attack=attack,
                task=task,
                variant=variant,
                unfit=refusal(app, attack, task),
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


def variant_of(name: str, attack: AnyAttack | type[AnyAttack], policy: Policy) -> Variant:
    """Return the variant of an attack; raises PolicyError, with its name, if there is none."""
    try:
        return policy.variant(attack.variant)
    except PolicyError as error:
        raise PolicyError(f"the attack {name} ({attack.__module__}): {error}") from error


def refusal(app: Application, attack: AnyAttack, task: Task) -> Unfit | None:
    """Return why a task cannot be run on an application, whoever attacks; None where it can.

    What is planned must run: a game or an attack that would ask the application for something
    it does not offer (a recipe, parameters, gradients, a file) says so in its `unfit`.
    """
    return attack.game().unfit(app, task) or attack.unfit(app)


def view_refusal(app: Application, granted: Power, has: Power | None = None) -> Unfit | None:
    """Return why a view is unavailable; who has the model (`has`) could read it all the same."""
    offers = app.target.offers
    if granted.view <= offers or granted.view is View.GRADIENTS:
        return None
    held = (has or granted).knowledge.model is Grade.FULL
    kept = "; who has the model can read more from it than is tested here" if held else ""
    found = f"the application returns only {offers.name.lower()}{kept}"
    return Unfit(f"needs {granted.view.name.lower()}, but {found}", proven=not held)


def needs(attack: AnyAttack | type[AnyAttack], variant: Variant) -> tuple[Power, ...]:
    """List the alternative powers that suffice: those of the variant plus what the attack asks."""
    return tuple(power.joined(attack.asks) for power in variant.powers)


def grants(
    attack: AnyAttack,
    attacker: Attacker,
    alternatives: tuple[Power, ...],
    least: Power | None = None,
) -> tuple[Power, ...]:
    """Restrict the attacker's power to what the attack declares; empty if it does not suffice.

    The first grant is minimal: knowledge, capabilities and view of the first alternative that
    suffices. If the attacker has more that the attack can use, a second grant adds that: more
    knowledge makes a stronger but costlier attack, which must not hide the cheaper one. What the
    baseline of the game knows, `least`, is in both, as far as the attack can use it: without, the
    attack would be compared with more than it was granted. The budget is the attacker's, limited
    to what the attack can use.
    """
    for need in alternatives:
        if not attacker.power.lacks(need):
            has, most = attacker.power.budget, attack.most
            spending = Budget(
                queries=min(has.queries, most.queries),
                share=min(has.share, most.share),
                compute_h=min(has.compute_h, most.compute_h),
            )
            minimal = need if least is None else _add_usable(need, least, attack.uses)
            extended = _add_usable(need, attacker.power, attack.uses)
            return tuple(dict.fromkeys(replace(p, budget=spending) for p in (minimal, extended)))
    return ()


def _add_usable(need: Power, has: Power, uses: Power) -> Power:
    """Add to a need what the attack can also use, if the attacker has it."""
    extra = Knowledge(
        **{k: min(grade, getattr(has.knowledge, k)) for k, grade in uses.knowledge.items()}
    )
    capabilities = uses.capabilities & has.capabilities.closed()
    view = min(uses.view, has.view)
    return need.joined(Power(knowledge=extra, capabilities=capabilities, view=view))


@dataclass(frozen=True, eq=False, kw_only=True)
class _Matcher:
    """Matches one attack and task against attackers."""

    app: Application
    choice: Choice
    seed: int
    name: str
    attack: AnyAttack
    task: Task
    variant: Variant
    unfit: Unfit | None

    def entries(self, attacker: Attacker) -> list[PlanEntry]:
        """Return an entry for every grant with which this attacker can run the attack."""
        alternatives = needs(self.attack, self.variant)
        least = self.attack.game().baseline_power(attacker.power)
        granted = grants(self.attack, attacker, alternatives, least)
        foreign = attacker.lacks_inputs(self.task.writes)
        if granted and not foreign:
            return [self._entry(attacker, power) for power in granted]
        gaps = min((attacker.power.lacks(need) for need in alternatives), key=len)
        reasons = tuple(f"needs {gap}" for gap in (*foreign, *gaps))
        return [replace(self._base_entry(attacker, alternatives[0]), reasons=reasons)]

    def _base_entry(self, attacker: Attacker, need: Power) -> PlanEntry:
        return PlanEntry(
            attack=self.name,
            game=self.attack.game.name,
            task=self.task,
            variant=self.variant,
            attacker=attacker,
            need=need,
        )

    def _entry(self, attacker: Attacker, granted: Power) -> PlanEntry:
        game = resize(self.attack.game(), self.choice.effort)
        standing = self.variant.standing
        if standing.decides:
            standing = game.standing(self.app, self.task, attacker)
        entry = replace(self._base_entry(attacker, granted), standing=standing)
        unfit = self.unfit or view_refusal(self.app, granted, attacker.power)
        if unfit:
            status = Status.NOT_APPLICABLE if unfit.proven else Status.NOT_TESTED
            found = (unfit.reason,), unfit.measured
            return replace(entry, status=status, reasons=found[0], measured=found[1])
        if self.choice.attacks and self.name not in self.choice.attacks:
            return replace(entry, status=Status.EXCLUDED, reasons=("excluded by --attack",))
        run = AttackRun(
            attack=self.attack,
            game=game,
            task=self.task,
            granted=granted,
            seed=self.seed,
            needs=needs(self.attack, self.variant),
            attacker=game.baseline_power(attacker.power),
        )
        return replace(entry, unit=_unit(self.app, self.name, run, self.choice.effort))


def _unit(app: Application, name: str, run: AttackRun, effort: float) -> Unit:
    settings = {f.name: jsonable(getattr(run.attack, f.name)) for f in fields(run.attack)}
    game = {f.name: jsonable(getattr(run.game, f.name)) for f in fields(run.game)}
    parts = {
        "identity": IDENTITY,
        "attack": [name, type(run.attack).version, settings],
        "game": [run.game.name, game],
        "task": run.task.name,
        "granted": repr(run.granted),
        "application": app.fingerprint,
        "seed": run.seed,
    }
    if run.attacker is not None:
        parts["attacker"] = repr(run.attacker)
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return Unit(
        id=digest[:20],
        attack=name,
        settings=settings,
        run=run,
        estimate=run.game.estimate(app, run.task, run.granted),
        effort=effort,
    )


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


def describe_power(power: Power) -> dict[str, Any]:
    """Return a power as JSON values."""
    return {
        "knowledge": {k: v.name.lower() for k, v in power.knowledge.items()},
        "capabilities": list(power.capabilities.names()),
        "view": power.view.name.lower(),
        "budget": asdict(power.budget),
    }
