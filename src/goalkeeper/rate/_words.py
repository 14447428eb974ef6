"""The words of a rating: which evidence decided, why, and what would settle what is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from goalkeeper.core.assessment import Gap, Verdict
from goalkeeper.core.evidence import DamageCount, Latency, Ratio, Status, Tally
from goalkeeper.core.need import Frozen
from goalkeeper.policy import Policy
from goalkeeper.rate._points import Bar, Point, bound, cheapest_first

LARGER = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
LISTED = 3
Counts = TypeVar("Counts", bound=Frozen)


def because(verdict: Verdict, points: Sequence[Point], bar: Bar) -> tuple[str, ...]:
    """Name the evidence that decided, strongest first."""
    if verdict is Verdict.MET:
        tested = [p for p in points if p.trial]
        ranked = sorted(tested, key=lambda p: (-p.potential, p.cost, p.evidence.id))
    elif verdict is Verdict.NOT_ASSESSED:
        ranked = []
    else:
        found = bar.shown(points) if verdict is Verdict.NOT_MET else bar.possible(points)
        ranked = [p for p in found if p.cost < bar.required]
    return tuple(dict.fromkeys(p.evidence.id for p in ranked))


def reason(verdict: Verdict, points: Sequence[Point], bar: Bar, policy: Policy) -> str:
    """Say in one sentence why the verdict is what it is."""
    if verdict is Verdict.NOT_ASSESSED:
        return "Not assessed: no need of protection was declared."
    if verdict is Verdict.NOT_MET:
        first = bar.shown(points)[0]
        return (
            f"Not met: {first.name} reaches exposure level {first.demonstrated} at attack "
            f"potential {first.cost}, and {bar.required} must be withstood."
        )
    tested = len({p.evidence.id for p in points if p.trial})
    if verdict is Verdict.MET:
        return (
            f"Met: of {tested} tested {'attack' if tested == 1 else 'attacks'} none can reach "
            f"exposure level {bar.critical} below attack potential {bar.required}; this holds for "
            "the tested portfolio."
        )
    doubts = bar.doubtful(points)
    if not doubts:
        return "Inconclusive: no attack was tested."
    words = [f"{p.name} ({_doubt(p, bar, policy)})" for p in doubts[:LISTED]]
    more = [f"and {len(doubts) - LISTED} more"] if len(doubts) > LISTED else []
    return (
        f"Inconclusive: nothing below attack potential {bar.required} was shown to reach exposure "
        f"level {bar.critical}, but this is not excluded for {', '.join(words + more)}."
    )


def gaps(points: Sequence[Point], bar: Bar, policy: Policy) -> tuple[Gap, ...]:
    """List what was not tested, and what more data would settle; the cheapest attacks first."""
    settled = {p.evidence.id for p in bar.shown(points) if p.cost < bar.required}
    wide = [p for p in bar.doubtful(points) if p.trial and p.evidence.id not in settled]
    untested = [p for p in points if p.trial is None]
    found = []
    for p in cheapest_first([*wide, *untested]):
        if p.evidence.status is not Status.NOT_APPLICABLE:
            said = p.evidence.result.reason if p.trial is None else ""
            text = _doubt(p, bar, policy) + (f": {said}" if said else "")
            found.append(Gap(variant=p.evidence.variant, attacker=p.evidence.attacker, reason=text))
    return tuple(dict.fromkeys(found))


def _doubt(point: Point, bar: Bar, policy: Policy) -> str:
    """Say what is open about an attack that cannot be excluded."""
    if point.trial is None:
        if point.evidence.status is Status.TESTED:
            return "tested, but without a result"
        return str(point.evidence.status).replace("_", " ")
    levels = f"exposure level {point.demonstrated} to {point.potential}"
    factor = _settling(point.trial.tally, point.evidence.metric, bar, policy)
    if factor is None:
        return f"{levels}; close to the limit, even {LARGER[-1]} times the sample may not settle it"
    return f"{levels}; about {factor} times the sample would settle it if the rate stays the same"


def _settling(tally: Tally, metric: str, bar: Bar, policy: Policy) -> int | None:
    """Find how many times the sample, at the same rates, would decide; None: more than listed."""
    rules = policy.rating
    for factor in LARGER:
        larger = _scaled(tally, factor)
        shown = rules.level(metric, bound(larger, bar.split)[0])
        possible = rules.level(metric, bound(larger, bar.alpha)[1])
        if shown >= bar.critical or possible < bar.critical:
            return factor
    return None


def _scaled(tally: Tally, factor: int) -> Tally:
    if isinstance(tally, DamageCount):
        again = {"gained": tally.gained * factor, "lost": tally.lost * factor}
        return tally.model_copy(update=again)
    if isinstance(tally, Latency):
        costs = {"attack": tally.attack * factor, "benign": tally.benign * factor}
        return tally.model_copy(update=costs)
    if isinstance(tally, Ratio):
        return Ratio(at=tuple(_times(at, factor) for at in tally.at))
    return _times(tally, factor)


def _times(counts: Counts, factor: int) -> Counts:
    larger = {name: v * factor for name, v in counts if isinstance(v, int)}
    return counts.model_copy(update=larger)
