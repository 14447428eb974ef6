"""What every attack owes the framework, as checks that any attack can be given to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, replace
from functools import partial
from typing import Any

import numpy as np

from goalkeeper.attacks import name_of
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Target
from goalkeeper.core.errors import BudgetSpent, NotOffered, PolicyError
from goalkeeper.core.power import Attacker, Power
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.planning import grants
from goalkeeper.policy import default_policy
from goalkeeper.testing.arena import (
    AnAttack,
    Arena,
    AttackCase,
    CountingTarget,
    alternatives,
    cases,
    enough,
    seeded,
    stable,
    task_of,
)
from goalkeeper.testing.contract import Breach, Check, run_all
from goalkeeper.testing.worlds import GameWorlds, build_rigged, worlds_of

FIRST_GAMES = 8  # fair games that are always run
MOST_GAMES = 20  # when one of the first was won
TOO_MANY_WINS = 4  # of these

DESCRIBES = "an attack describes itself"
BEYOND_REACH = "an attack is out of reach of an attacker without any power"
RUNS = "an attack can be run on some kind of input and some task of its game"
RIGGED = "an attack wins the rigged game, which every sound attack wins"
FAIR = "an attack does not win the fair game, which no attack can win"
REPEATS = "the same seed gives the same evidence"
POORER = "an attack can be run on an application that offers less, or the plan refuses it"
BUDGET = "an attack asks the target only through access, and no more than its budget"


def check_attack(
    attack: AnAttack,
    worlds: GameWorlds | None = None,
    *,
    small: Mapping[str, Any] | None = None,
) -> None:
    """Check every promise that an attack makes; see `attack_checks`.

    Raises
    ------
    ContractError
        A promise is broken; the message names it, says what was seen and what to do.
    """
    run_all(attack_checks(attack, worlds, small=small))


def attack_checks(
    attack: AnAttack,
    worlds: GameWorlds | None = None,
    *,
    small: Mapping[str, Any] | None = None,
) -> Iterator[Check]:
    """Yield a check for each promise, of each kind of input and task that an attack covers.

    Parameters
    ----------
    attack
        The class of the attack.
    worlds
        Rigged and fair worlds of its game; None: those that goalkeeper has.
    small
        Settings of the attack that make it fast in fair games. The law of the wins must not depend
        on them: no number of steps wins a game that cannot be won. Settings that the attack says
        grow with the effort of a run are made small in any case.
    """
    name = name_of(attack) if _is_attack(attack) else str(attack)
    yield Check(f"{name}-describes-itself", DESCRIBES, partial(_describes_itself, attack))
    if not _is_attack(attack):
        return
    yield Check(f"{name}-is-out-of-reach", BEYOND_REACH, partial(_is_out_of_reach, attack))
    arena = Arena(attack, worlds or worlds_of(attack.game), small or {})
    found = list(cases(attack, arena.worlds))
    if not found:
        yield Check(f"{name}-can-be-run", RUNS, partial(_covers_nothing, attack))
    for case in found:
        where = f"{name}-{case.domain}-{case.task}"
        yield Check(f"{where}-wins-the-rigged-game", RIGGED, partial(_wins_rigged, arena, case))
        yield Check(f"{where}-repeats-itself", REPEATS, partial(_repeats_itself, arena, case))
        yield Check(f"{where}-keeps-its-budget", BUDGET, partial(_keeps_its_budget, arena, case))
        yield Check(f"{where}-loses-the-fair-game", FAIR, partial(_loses_fair, arena, case))
        yield Check(f"{where}-refuses-in-the-plan", POORER, partial(_does_with_less, arena, case))


# ---- of the class --------------------------------------------------------------------------------


def _is_attack(attack: object) -> bool:
    return isinstance(attack, type) and issubclass(attack, Attack)


def _describes_itself(attack: AnAttack) -> Iterator[Breach]:
    if not _is_attack(attack):
        yield Breach(
            f"{attack!r} is not a subclass of Attack", "inherit goalkeeper.attacks.base.Attack"
        )
        return
    name = attack.__name__
    if not getattr(attack, "__final__", False):
        yield Breach(f"{name} can be overridden", "mark the class with typing.final")
    if "__dataclass_params__" not in vars(attack):  # a dataclass of a frozen one is frozen
        yield Breach(
            f"{name} is not a dataclass", "mark it with @dataclass(frozen=True, kw_only=True)"
        )
        return
    # A dataclass without a docstring gets its signature as one.
    if not attack.__doc__ or attack.__doc__.startswith(f"{name}("):
        yield Breach(f"{name} has no docstring", "say in a sentence what it does")
    if not getattr(attack, "reference", ""):
        yield Breach(f"{name} names no source", "set `reference` to the paper and the place in it")
    missing = [f.name for f in fields(attack) if f.default is f.default_factory is MISSING]
    if missing:
        yield Breach(f"settings without a default: {', '.join(missing)}", "give each a default")
    if not attack.domains & attack.game.domains:
        finding = f"it says {sorted(attack.domains)}, its game {sorted(attack.game.domains)}"
        yield Breach(finding, "name a kind of input in `domains` that the game has")
    unknown = [setting for setting in attack.grows if setting not in attack.__dataclass_fields__]
    if unknown:
        yield Breach(f"`grows` names {', '.join(unknown)}", "name settings of the attack only")
    yield from _variant_of(attack)


def _variant_of(attack: AnAttack) -> Iterator[Breach]:
    try:
        variant = default_policy().variant(attack.variant)
    except PolicyError as error:
        yield Breach(str(error), "set `variant` to one of `goalkeeper list variants`")
        return
    if variant.family != attack.game.family:
        finding = f"variant {variant.id} is of the family {variant.family}"
        yield Breach(finding, f"name a variant of the family {attack.game.family}")


def _is_out_of_reach(attack: AnAttack) -> Iterator[Breach]:
    nobody = Attacker(name="nobody", power=Power())
    granted = grants(attack(), nobody, alternatives(attack))
    if granted:
        yield Breach(
            f"it is granted {granted[0]} for nothing",
            "name in `asks` what it needs beyond its variant",
        )


def _covers_nothing(attack: AnAttack) -> Iterator[Breach]:
    yield Breach(
        f"`tasks` is {attack.tasks}, `domains` is {sorted(attack.domains)}, and no task of the "
        f"game {attack.game.name} fits both",
        "name the tasks that it covers, or leave `tasks` empty for all of them",
    )


# ---- of its runs ---------------------------------------------------------------------------------


def _wins_rigged(arena: Arena, case: AttackCase) -> Iterator[Breach]:
    result = arena.rigged(case)
    if not any(beats_baseline(trial.tally) for trial in result.trials):
        yield Breach(
            f"{result.status.value}: {result.summary or result.reason}",
            "the weakness is there and easy to find: look at what the attack answers, and "
            "whether it spends what it has",
        )


def _repeats_itself(arena: Arena, case: AttackCase) -> Iterator[Breach]:
    first, second = stable(arena.rigged(case)), stable(arena.rigged_again(case))
    differ = [key for key in first if first[key] != second[key]]
    if differ:
        yield Breach(
            f"two runs with seed 0 differ in {', '.join(differ)}",
            "draw from access.rng only; do not use the global generator, the time or hash()",
        )


def fair_wins(wins: Callable[[int], bool]) -> tuple[int, int]:
    """Run fair games until it is clear whether too many are won; return wins and games.

    Eight games come first; if one of them is won, up to twenty are run. Four wins are too many;
    it ends once they are reached, or cannot be reached any more. A fair attack wins a game
    with a probability of 2.5 % at most, and is rejected with one of 0.00124 (twenty games in any
    case: 0.00137). One that wins 30 % of fair games is rejected with a probability of 0.864
    (0.893).
    """
    count = 0
    for game in range(MOST_GAMES):
        left = MOST_GAMES - game
        beyond = count + left < TOO_MANY_WINS or (game == FIRST_GAMES and count == 0)
        if count >= TOO_MANY_WINS or beyond:
            return count, game
        count += wins(game)
    return count, MOST_GAMES


def _loses_fair(arena: Arena, case: AttackCase) -> Iterator[Breach]:
    def wins(seed: int) -> bool:
        result = arena.fair(case, seed)
        return bool(result.trials) and beats_baseline(result.trials[-1].tally)

    count, games = fair_wins(wins)
    if count >= TOO_MANY_WINS:
        yield Breach(
            f"it won {count} of {games} fair games, each by chance in one of 40",
            "it reaches the secret, or answers what flatters the mark: use nothing but the "
            "question and access",
        )


def _does_with_less(arena: Arena, case: AttackCase) -> Iterator[Breach]:
    for what, app in arena.poorer(case):
        try:
            arena.run_what_is_planned(app, case)
        except NotOffered as error:
            yield Breach(
                f"with {what}, it is planned and then needs what the application does not "
                f"offer: {error}",
                "say so in `unfit` of the attack, or do without it",
            )


def _keeps_its_budget(arena: Arena, case: AttackCase) -> Iterator[Breach]:
    attack = arena.attack
    app = build_rigged(arena.worlds, attack.variant, case.domain, seeded(0))
    least = min(power.budget.queries for power in alternatives(attack))
    granted = enough(attack, queries=max(least, 25.0))
    target = CountingTarget(app.target)
    watched = replace(app, target=target)
    game = attack.game().smaller()
    task = task_of(attack.game, watched, case.task)
    dealt = game.deal(watched, task, np.random.default_rng(0))
    target.asked = 0
    victims = tuple(CountingTarget(victim) for victim in dealt.victims)
    terms = Terms(
        granted=granted,
        rng=np.random.default_rng(1),
        victim=np.random.SeedSequence(2),
        campaigns=dealt.campaigns,
        withheld=dealt.withheld,
        victims=victims,
    )
    changed: list[CountingTarget] = []

    class Watched(Access):
        """Access that counts what is asked of targets that the attack had changed."""

        def _changed(self, target: Target) -> Access:
            changed.append(CountingTarget(target))
            return super()._changed(changed[-1])

    access = Watched(watched, terms)
    with suppress(BudgetSpent):
        attack().run(dealt.question, access)
    spent = access.spent  # an attacker who owns a copy of the model asks that
    asked = target.asked + sum(one.asked for one in (*victims, *changed))
    if spent.queries + spent.forward != asked:
        yield Breach(
            f"the target was asked {asked} times, access counted {spent.queries + spent.forward}",
            "ask by access.query() or access.network() only",
        )
    most = granted.budget.queries * dealt.campaigns
    if spent.queries > most:
        yield Breach(f"it spent {spent.queries} queries of {most:g}", "stop at access.left()")
