"""Protection needs, attackers and secrecy, as the file gives them and the policy rates them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Adjustment, Damage, ProtectionNeed
from goalkeeper.core.power import Attacker, Capability, Grade, Power, View
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_threats import AttackerForm, NeedForm
from goalkeeper.describe.problems import choice, problem
from goalkeeper.policy import Policy, protection_need

LEVELS = {"none": 0, "normal": 1, "high": 2, "very high": 3}
SCENARIOS = ("laws", "self_determination", "physical", "tasks", "reputation", "financial")
DISTRIBUTED = (Goal.INTEGRITY, Goal.AVAILABILITY)


class RatingInputs:
    """Reads needs, attackers and secrecy, and collects what is wrong with them."""

    def __init__(self, document: Document, form: ApplicationForm, policy: Policy) -> None:
        self.problems: list[DescriptionError] = []
        self._document, self._policy = document, policy
        self.needs = {goal: self._need(goal, getattr(form.needs, goal)) for goal in Goal}
        self.attackers = self._attackers(form)
        self.secrecy = self._secrecy(form)

    # ---- protection needs -----------------------------------------------------------------------

    def _need(self, goal: Goal, form: NeedForm) -> ProtectionNeed:
        key: Key = ("needs", str(goal))
        if key in self._document.given:
            need: ProtectionNeed = self._document.given[key]
            return need
        given = {name: damage for name in SCENARIOS if (damage := getattr(form, name)) is not None}
        if form.none is not None and (given or form.cumulation or form.distribution):
            self._report(
                (*key, "none"),
                "none says that there is no damage, but damage is described as well",
                given=", ".join(["none", *given]),
                advice="keep either `none` or the scenarios",
            )
        elif form.none is None and not any(LEVELS[damage.level] for damage in given.values()):
            self._report(
                key,
                "no damage scenario is given, or all of them are none",
                expected="one of " + ", ".join(SCENARIOS) + ", or none",
                advice="add `tasks: {level: normal, reason: ...}`, or `none: why a loss of this "
                "goal does no damage`",
            )
        if form.distribution is not None and goal not in DISTRIBUTED:
            self._report(
                (*key, "distribution"),
                f"redundancy never lowers the need for {goal}: copies increase exposure",
                expected="distribution only under integrity and availability",
                given="distribution",
                advice="leave it out",
            )
            form = form.model_copy(update={"distribution": None})
        damages = [
            Damage(scenario=name, level=LEVELS[damage.level], reason=damage.reason)
            for name, damage in given.items()
        ]
        if not any(damage.level for damage in damages):
            reason = form.none or "not said"
            damages = [Damage(scenario=s, level=0, reason=reason) for s in SCENARIOS]
        return protection_need(
            goal,
            damages,
            cumulation=_step(form.cumulation),
            distribution=_step(form.distribution),
            rating=self._policy.rating,
        )

    # ---- attackers ------------------------------------------------------------------------------

    def _attackers(self, form: ApplicationForm) -> tuple[Attacker, ...]:
        if form.attackers is None:
            return tuple(self._policy.attackers.values())
        found: dict[str, Attacker] = {}
        for i, entry in enumerate(form.attackers):
            if entry.name in found:
                self._report(
                    ("attackers", i),
                    f"the attacker {entry.name} is listed twice",
                    given=entry.name,
                    advice="give one of them another name",
                )
            attacker = self._attacker(("attackers", i), entry)
            if attacker is not None:
                found[entry.name] = attacker
        return tuple(found.values())

    def _attacker(self, key: Key, form: AttackerForm) -> Attacker | None:
        if key in self._document.given:
            attacker: Attacker = self._document.given[key]
            return attacker
        built_in = self._policy.attackers
        customised = len(form.model_fields_set) > 1
        base = form.based_on if form.based_on is not None else None if customised else form.name
        if base is not None and base not in built_in:
            where = (*key, "based_on") if form.based_on is not None else key
            self._report(
                where,
                f"there is no built-in attacker {base}",
                expected="one of " + ", ".join(built_in),
                given=base,
                advice=choice(base, built_in),
            )
            return None
        if base is None and (form.knowledge is None or form.view is None or form.budget is None):
            self._report(
                key,
                "an attacker of your own needs knowledge, capabilities, view and budget",
                expected="these four keys, or based_on",
                given=form.name,
                advice="add `based_on: ` and the built-in attacker it is most like",
            )
            return None
        start = built_in[base] if base is not None else Attacker(name=form.name, power=Power())
        window = form.window or start.window
        windows = tuple(self._policy.rating.attack_potential.window)
        if window not in windows:
            self._report(
                (*key, "window"),
                "the rating policy has no such window of opportunity",
                expected="one of " + ", ".join(windows),
                advice=choice(window, windows),
            )
        return replace(
            start,
            name=form.name,
            power=_power(start.power, form),
            window=window,
            label=form.label or start.label,
            writes=form.writes or start.writes,
        )

    # ---- secrecy --------------------------------------------------------------------------------

    def _secrecy(self, form: ApplicationForm) -> dict[str, dict[str, str]]:
        classes = tuple(self._policy.rating.attack_potential.knowledge)
        defaults = self._policy.rating.default_secrecy
        table = {str(a): {str(g): c for g, c in grades.items()} for a, grades in defaults.items()}
        if form.secrecy is None:
            return table
        for aspect in ("data", "algorithm", "model"):
            declared = getattr(form.secrecy, aspect)
            for grade in ("partial", "full"):
                value = getattr(declared, grade, None)
                if value is None:
                    continue
                table.setdefault(aspect, {})[grade] = value
                if value not in classes:
                    self._report(
                        ("secrecy", aspect, grade),
                        "the rating policy has no such class of secrecy",
                        expected="one of " + ", ".join(classes),
                        advice=choice(value, classes),
                    )
        return table

    def _report(self, key: Key, what: str, **details: Any) -> None:
        self.problems.append(problem(self._document, key, what, **details))


def _step(form: Any) -> Adjustment | None:
    return None if form is None else Adjustment(step=1, reason=form.reason)


def _power(start: Power, form: AttackerForm) -> Power:
    knowledge, budget = start.knowledge, start.budget
    if form.knowledge is not None:
        grades = form.knowledge.model_dump(exclude_none=True)
        knowledge = replace(knowledge, **{k: Grade[v.upper()] for k, v in grades.items()})
    if form.budget is not None:
        budget = replace(budget, **form.budget.model_dump(exclude_none=True))
    return Power(
        knowledge=knowledge,
        capabilities=start.capabilities
        if form.capabilities is None
        else Capability.of(form.capabilities),
        view=start.view if form.view is None else View[form.view.upper()],
        budget=budget,
    )
