"""Which evidence of two assessments is of the same attack, and why some cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, AttackerRow
from goalkeeper.core.evidence import DamageCount, Evidence, Latency, Ratio, Requirement, Status
from goalkeeper.core.goals import Goal

ONLY = "only in {side}: {other} {why}"
NO_EVIDENCE = "has no such attack run"
NOT_RUN = "it was {status}: {reason}"
CONTROL = "its control failed {side}, so that nothing is claimed: {reason}"
LIMITED = "the time limit ended it {side}; it would have reached more"
NO_COUNTS = "it has no counts {side}"
THREAT = "the threat differs: {before} before, {after} after"
ATTACKER = "the power of {name} differs: {before} before, {after} after"
SETTINGS = "the settings of the attack differ"
TALLY = "it was measured in another way: {before} before, {after} after"
NO_RANKS = (
    "the ranks of its records are not stored in both, so that thresholds cannot be chosen again; "
    "run both again with this version"
)
TOLERANCE = "the tolerance that the harm is measured in differs"
BEFORE, AFTER = "before (A)", "after (B)"
POWER = ("knowledge", "capabilities", "view", "writes", "queries", "queries_per_day", "share")


@dataclass(frozen=True, kw_only=True)
class Match:
    """The evidence of one attack run in each assessment; several attackers may share the run."""

    before: Evidence | None
    after: Evidence | None
    attackers: tuple[str, ...]
    goals: tuple[Goal, ...]
    obstacle: str

    @property
    def any(self) -> Evidence:
        """The evidence after, or before where there is no other."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a match has evidence on at least one side")
        return found


def match_evidence(before: Assessment, after: Assessment) -> list[Match]:
    """Match evidence by attack, task, grant and attacker, and list each pair of runs once.

    What neither of both tested is left out.
    """
    groups: dict[tuple[str, ...], list[tuple[Evidence | None, Evidence | None]]] = {}
    first, second = ({e.id: e for e in each.evidence} for each in (before, after))
    for id_ in {**first, **second}:
        pair = first.get(id_), second.get(id_)
        if any(each is not None and _tested(each) for each in pair):
            key = tuple((each.unit or each.id) if each else "" for each in pair)
            groups.setdefault((*key, (pair[0] or pair[1]).task), []).append(pair)  # type: ignore[union-attr]
    return [_join(pairs, before, after) for pairs in groups.values()]


def describe_grant(requires: Requirement) -> str:
    """Say in a few words what an attack needs of its attacker."""
    known = [f"{grade} knowledge of {aspect}" for aspect, grade in requires.knowledge.items()]
    known = [text for text in known if not text.startswith("none ")]
    able = [f"capability {name}" for name in requires.capabilities]
    seen = [] if requires.view == "nothing" else [f"sees {requires.view}"]
    return ", ".join([*seen, *known, *able]) or "nothing"


def _join(
    pairs: list[tuple[Evidence | None, Evidence | None]], before: Assessment, after: Assessment
) -> Match:
    one, other = pairs[0]
    goals = {
        goal
        for a, b in pairs
        if a and b and a.standing.decides and b.standing.decides
        for goal in a.goals
        if goal in b.goals
    }
    return Match(
        before=one,
        after=other,
        attackers=tuple(dict.fromkeys((a or b).attacker for a, b in pairs if a or b)),  # type: ignore[union-attr]
        goals=tuple(goal for goal in Goal if goal in goals),
        obstacle=next(_obstacles(one, other, before, after), ""),
    )


def _tested(evidence: Evidence) -> bool:
    return evidence.status in (Status.TESTED, Status.CONTROL_FAILED) and bool(
        evidence.result.trials
    )


def _obstacles(
    one: Evidence | None, other: Evidence | None, before: Assessment, after: Assessment
) -> Iterator[str]:
    """Yield the reasons why two pieces of evidence cannot be compared."""
    if one is None:
        yield ONLY.format(side="B", other="A", why=NO_EVIDENCE)
        return
    if other is None:
        yield ONLY.format(side="A", other="B", why=NO_EVIDENCE)
        return
    for evidence, side in ((one, BEFORE), (other, AFTER)):
        if evidence.status is Status.CONTROL_FAILED:
            yield CONTROL.format(side=side, reason=evidence.result.reason)
    for evidence, side, tested in ((other, "B", "A"), (one, "A", "B")):
        if evidence.status is not Status.TESTED:
            status = str(evidence.status).replace("_", " ")
            why = NOT_RUN.format(status=status, reason=evidence.result.reason or "no reason given")
            yield ONLY.format(side=tested, other=f"in {side}", why=why)
    yield from _unlike_results(one, other)
    if one.settings != other.settings:
        yield SETTINGS
    yield from _unlike_attackers(one.attacker, before, after)


def _unlike_results(one: Evidence, other: Evidence) -> Iterator[str]:
    for evidence, side in ((one, BEFORE), (other, AFTER)):
        if evidence.result.limited:
            yield LIMITED.format(side=side)
        if not evidence.result.trials:
            yield NO_COUNTS.format(side=side)
            return
    if one.result.threat != other.result.threat:
        yield THREAT.format(before=one.result.threat, after=other.result.threat)
    a, b = (max(e.result.trials, key=lambda t: t.budget).tally for e in (one, other))
    if a.kind != b.kind or one.metric != other.metric:
        yield TALLY.format(before=one.metric, after=other.metric)
    elif isinstance(a, Ratio) and not all(map(_has_ranks, (one, other))):
        yield NO_RANKS
    elif isinstance(a, Latency) and isinstance(b, Latency) and a.unit != b.unit:
        yield TALLY.format(before=a.unit, after=b.unit)
    elif isinstance(a, DamageCount) and isinstance(b, DamageCount) and a.tolerance != b.tolerance:
        yield TOLERANCE


def _has_ranks(evidence: Evidence) -> bool:
    return evidence.result.outcomes is not None and bool(evidence.result.outcomes.ranks)


def _unlike_attackers(name: str, before: Assessment, after: Assessment) -> Iterator[str]:
    rows = [next((r for r in each.attackers if r.name == name), None) for each in (before, after)]
    if rows[0] and rows[1] and _power(rows[0]) != _power(rows[1]):
        first, second = (
            ", ".join(f"{k} {v}" for k, v in _power(row).items() if _power(other)[k] != v)
            for row, other in ((rows[0], rows[1]), (rows[1], rows[0]))
        )
        yield ATTACKER.format(name=name, before=first, after=second)


def _power(row: AttackerRow) -> dict[str, object]:
    return {field: getattr(row, field) for field in POWER}
