"""Which evidence of two assessments is of the same attack, and why some cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, AttackerRow, PlanRow
from goalkeeper.core.evidence import DamageCount, Evidence, Latency, Ratio, Requirement, Status
from goalkeeper.core.goals import Goal

ONLY = "only in {side}: {other} {why}"
NO_EVIDENCE = "has no such attack run"
NOT_MADE = "it is not made by {attacker}: {why}"
NOT_RUN = "it was {status}: {reason}"
CONTROL = "its control failed {side}, so that nothing is claimed: {reason}"
LIMITED = "the time limit ended it {side}; it would have reached more"
NO_COUNTS = "it has no counts {side}"
THREAT = "the threat differs: {before} before, {after} after"
ATTACKER = "the power of {name} differs: {before} before, {after} after"
GRANT = "it was made with another grant: {before} before, {after} after"
SETTINGS = "the settings of the attack differ: {before} before, {after} after"
TALLY = "it was measured in another way: {before} before, {after} after"
NO_RANKS = (
    "the ranks of its records are not stored in both, so that thresholds cannot be chosen again; "
    "run both again with this version"
)
TOLERANCE = "the tolerance that the harm is measured in differs"
BEFORE, AFTER = "before (A)", "after (B)"
POWER = ("knowledge", "capabilities", "view", "writes", "queries", "queries_per_day", "share")


Pair = tuple[Evidence | None, Evidence | None]


@dataclass(frozen=True, kw_only=True)
class Match:
    """The evidence of one attack run in each assessment; several attackers may share the run."""

    before: Evidence | None
    after: Evidence | None
    attackers: tuple[str, ...]
    goals: tuple[Goal, ...]
    obstacle: str
    powers: str = ""  # what differs in the power of its attackers
    other_power: tuple[str, ...] = ()  # whose it is

    @property
    def any(self) -> Evidence:
        """The evidence after, or before where there is no other."""
        return _either((self.after, self.before))


def match_evidence(before: Assessment, after: Assessment) -> list[Match]:
    """Match evidence by attack, task, grant and attacker, and list each pair of runs once.

    Where an attacker made an attack with one grant before, and with one other after, these are
    matched. What neither of both tested is left out.
    """
    groups: dict[tuple[str, ...], list[Pair]] = {}
    for pair in _pair_up(before, after):
        if any(each is not None and _tested(each) for each in pair):
            key = tuple((each.unit or each.id) if each else "" for each in pair)
            groups.setdefault((*key, _either(pair).task), []).append(pair)
    return [_join(pairs, before, after) for pairs in groups.values()]


def _pair_up(before: Assessment, after: Assessment) -> Iterator[Pair]:
    first, second = ({e.id: e for e in each.evidence} for each in (before, after))
    alone = [_by_name(one, other) for one, other in ((first, second), (second, first))]
    for id_ in {**first, **second}:
        pair = first.get(id_), second.get(id_)
        if pair[0] is None or pair[1] is None:
            found = [each.get(_name(_either(pair)), []) for each in alone]
            if [len(each) for each in found] == [1, 1]:
                if pair[1] is None:
                    yield found[0][0], found[1][0]
                continue
        yield pair


def _by_name(
    evidence: Mapping[str, Evidence], others: Mapping[str, Evidence]
) -> dict[tuple[str, str, str], list[Evidence]]:
    """Return the evidence that others lack and that was tested, by attack, task and attacker."""
    found: dict[tuple[str, str, str], list[Evidence]] = {}
    for each in evidence.values():
        if each.id not in others and _tested(each):
            found.setdefault(_name(each), []).append(each)
    return found


def _name(evidence: Evidence) -> tuple[str, str, str]:
    return evidence.attack, evidence.task, evidence.attacker


def _either(pair: Pair) -> Evidence:
    found = pair[0] or pair[1]
    if found is None:
        raise ValueError("a pair has evidence on at least one side")
    return found


def describe_grant(requires: Requirement) -> str:
    """Say in a few words what an attack needs of its attacker."""
    known = [f"{grade} knowledge of {aspect}" for aspect, grade in requires.knowledge.items()]
    known = [text for text in known if not text.startswith("none ")]
    able = [f"capability {name}" for name in requires.capabilities]
    seen = [] if requires.view == "nothing" else [f"sees {requires.view}"]
    return ", ".join([*seen, *known, *able]) or "nothing"


def _join(pairs: list[Pair], before: Assessment, after: Assessment) -> Match:
    one, other = pairs[0]
    attackers = tuple(dict.fromkeys(_either(pair).attacker for pair in pairs))
    said = {name: say_power(name, before, after) for name in attackers}
    differing = {name: text for name, text in said.items() if text}
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
        attackers=attackers,
        goals=tuple(goal for goal in Goal if goal in goals),
        obstacle=next(_obstacles(one, other, before, after), ""),
        powers="; ".join([*_say_grants(one, other), *differing.values()]),
        other_power=tuple(differing),
    )


def _tested(evidence: Evidence) -> bool:
    return evidence.status in (Status.TESTED, Status.CONTROL_FAILED) and bool(
        evidence.result.trials
    )


def _obstacles(
    one: Evidence | None, other: Evidence | None, before: Assessment, after: Assessment
) -> Iterator[str]:
    """Yield the reasons why two pieces of evidence cannot be compared."""
    if one is None or other is None:
        made, sides, lacking = (one, "AB", after) if one else (other, "BA", before)
        if made:
            yield _say_missing(made, sides, lacking)
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
        names = [
            k
            for k in {**one.settings, **other.settings}
            if one.settings.get(k) != other.settings.get(k)
        ]
        yield SETTINGS.format(before=_show(one.settings, names), after=_show(other.settings, names))


def _say_missing(made: Evidence, sides: str, lacking: Assessment) -> str:
    """Say why an assessment has no such evidence: what its attacker lacks, where that is known."""

    def is_it(row: PlanRow) -> bool:
        return (row.attack, row.task, row.attacker) == _name(made) and row.status == "skipped"

    side, other = sides
    reasons = next((" and ".join(row.reasons) for row in lacking.plan if is_it(row)), "")
    if not reasons:
        return ONLY.format(side=side, other=other, why=NO_EVIDENCE)
    why = NOT_MADE.format(attacker=made.attacker, why=reasons)
    return ONLY.format(side=side, other=f"in {other}", why=why)


def _show(values: Mapping[str, object], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {values.get(name, 'none')}" for name in names)


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


def _say_grants(one: Evidence | None, other: Evidence | None) -> list[str]:
    if one is None or other is None:
        return []
    grants = describe_grant(one.requires), describe_grant(other.requires)
    return [GRANT.format(before=grants[0], after=grants[1])] if grants[0] != grants[1] else []


def say_power(name: str, before: Assessment, after: Assessment) -> str:
    """Say how the power of an attacker differs; empty where it does not."""
    rows = [next((r for r in each.attackers if r.name == name), None) for each in (before, after)]
    powers = [_power(row) for row in rows if row]
    names = [key for key in POWER if len(powers) == 2 and powers[0][key] != powers[1][key]]
    if not names:
        return ""
    return ATTACKER.format(name=name, before=_show(powers[0], names), after=_show(powers[1], names))


def _power(row: AttackerRow) -> dict[str, str]:
    return {field: say_value(getattr(row, field)) for field in POWER}


def say_value(value: object) -> str:
    """Say a value of an attacker's description."""
    match value:
        case float() | int():
            return f"{value:g}" if value < 1 else f"{value:,.0f}"
        case dict():
            return " and ".join(f"{v} {k}" for k, v in value.items()) or "none"
        case tuple():
            return " ".join(map(str, value)) or "none"
    return str(value)
