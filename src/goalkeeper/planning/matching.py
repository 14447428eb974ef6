"""Match one attack and task with attackers: what each may use, and what stands in the way."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from functools import cached_property

from goalkeeper.attack_run import AnyAttack, AnyGame, AttackRun
from goalkeeper.core.application import Application
from goalkeeper.core.errors import PolicyError
from goalkeeper.core.evidence import Status, jsonable
from goalkeeper.core.power import Attacker, Budget, Grade, Knowledge, Power, View
from goalkeeper.games.base import Task, Unfit, resize
from goalkeeper.planning.plan import Choice, PlanEntry, Unit
from goalkeeper.policy import Policy, Variant

IDENTITY = 1  # version of the scheme of unit ids; increase it when the scheme changes


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
    """Return why a view is unavailable; None where the application gives it.

    Where answers may hide scores, as those of a service or of a network that ends in the number of
    a class, who has the model (`has`) could read them all the same.
    """
    offers = app.target.offers
    if granted.view <= offers or granted.view is View.GRADIENTS:
        return None
    held = (has or granted).knowledge.model is Grade.FULL and getattr(
        app.target, "hides_scores", True
    )
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
class Matcher:
    """Matches one attack and task against attackers."""

    app: Application
    choice: Choice
    seed: int
    name: str
    attack: AnyAttack
    interim: AnyAttack  # the same, with the sample sizes of the interim look
    task: Task
    variant: Variant

    @cached_property
    def unfit(self) -> Unfit | None:
        """Why nobody can run it here; found out only if wanted, as it may take trainings."""
        return refusal(self.app, self.attack, self.task)

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
        standing = self.variant.standing
        if standing.decides:
            standing = self.attack.game().standing(self.app, self.task, attacker)
        entry = replace(self._base_entry(attacker, granted), standing=standing)
        if self.choice.attacks and self.name not in self.choice.attacks:
            return replace(entry, status=Status.EXCLUDED, reasons=("excluded by --attack",))
        unfit = self.unfit or view_refusal(self.app, granted, attacker.power)
        if unfit:
            status = Status.NOT_APPLICABLE if unfit.proven else Status.NOT_TESTED
            found = (unfit.reason,), unfit.measured
            return replace(entry, status=status, reasons=found[0], measured=found[1])
        unit = self._unit(self.attack, attacker, granted, self.choice)
        interim = self._unit(self.interim, attacker, granted, self.choice.interim())
        return replace(entry, unit=unit, interim=interim if self._saves(interim, unit) else None)

    def _saves(self, interim: Unit, unit: Unit) -> bool:
        """Tell whether an interim look takes less time than the full one."""
        if interim.settings != unit.settings:
            return True
        smaller = _fill(interim, self.app) != _fill(unit, self.app)
        return smaller and self.attack.game.looks_ahead

    def _unit(self, attack: AnyAttack, attacker: Attacker, granted: Power, choice: Choice) -> Unit:
        game = resize(attack.game(), choice.effort)
        run = AttackRun(
            attack=attack,
            game=game,
            task=self.task,
            granted=granted,
            seed=self.seed,
            needs=needs(attack, self.variant),
            attacker=game.baseline_power(attacker.power),
        )
        return _unit(self.app, self.name, run, choice.effort)


def identify_unit(identity: str) -> str:
    """Return the id of a unit from everything that determines its result."""
    return hashlib.sha256(identity.encode()).hexdigest()[:20]


def _fill(unit: Unit, app: Application) -> AnyGame:
    return unit.run.game.filled(app)


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
    identity = json.dumps(parts, sort_keys=True)
    return Unit(
        id=identify_unit(identity),
        identity=identity,
        attack=name,
        settings=settings,
        run=run,
        estimate=run.game.estimate(app, run.task, run.granted),
        effort=effort,
    )
