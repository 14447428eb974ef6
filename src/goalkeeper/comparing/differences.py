"""What differs between two runs beside their results, and how it limits the comparison."""

from __future__ import annotations

from collections.abc import Iterator

from goalkeeper.comparing.matching import say_power, say_value
from goalkeeper.comparing.records import RunDifference
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.goals import Goal

SUBJECT = "this is a change whose effect is compared"
NO_VERDICTS = "verdicts are not comparable, measurements are"
OTHER_ITEMS = "the items differ, so that attacks are not compared item by item"
OTHER_SEED = "the items are drawn again, so that few or none are in both samples"
OTHER_ATTACKS = "attacks may measure otherwise, which shows as a change"
OTHER_SIZES = "the samples differ in size; the items that are in both are compared"
OTHER_POWER = "what this attacker reaches is compared as it is, and may differ for that reason"
SAME_POWER = "attacks are compared, but may cost another attack potential"
OTHER_THREAT = "attacks with other limits are not compared"
UNFINISHED = "attack runs are missing that were planned"
OTHER_CORRECT = "attacks on inputs take those that are answered correctly, which differ"
OTHER_RATING = "attack potentials, and so verdicts, are not comparable; measurements are"
FIELDS = {
    "target": ("model", SUBJECT),
    "trainer": ("training recipe", SUBJECT),
    "lookalike": ("model that attackers train", OTHER_ATTACKS),
    "threats": ("threat: how far inputs may be changed", OTHER_THREAT),
    "domain": ("description of inputs", OTHER_ATTACKS),
    "classes": ("classes", OTHER_ATTACKS),
    "harmless": ("harmless class", OTHER_ATTACKS),
    "tolerances": ("tolerances", "harm is measured in other units and is not compared"),
    "wiring": ("wiring", SUBJECT),
    "compute": ("arithmetic", "results may differ in their last digits by it"),
}
SHOWN_ELSEWHERE = frozenset({"name", "data", "hashes"})
NO_VERSION = frozenset({"command"})  # in the environment
SHORT = 12  # characters of a hash


def list_differences_of_runs(before: Assessment, after: Assessment) -> tuple[RunDifference, ...]:
    """Name everything that differs: each with what it means for the comparison."""
    pairs = (
        _of_application(before, after),
        _of_rules(before, after),
        _of_runs(before, after),
    )
    return tuple(row for rows in pairs for row in rows)


def have_same_data(before: Assessment, after: Assessment) -> bool:
    """Return whether both runs have the same records in the same parts, as far as is known."""
    first, second = (each.application.contents.get("data", "") for each in (before, after))
    return bool(first) and first == second


def compares_verdicts(before: Assessment, after: Assessment) -> bool:
    """Return whether verdicts of both were made by the same rules."""
    return before.policy == after.policy and (
        before.application.secrecy == after.application.secrecy
    )


def _of_application(before: Assessment, after: Assessment) -> Iterator[RunDifference]:
    one, other = before.application, after.application
    if one.name != other.name:
        yield _row("application", one.name, other.name, "they may not be the same application")
    if not have_same_data(before, after):
        known = one.contents.get("data", "unknown"), other.contents.get("data", "unknown")
        yield _row("data", known[0][:SHORT], known[1][:SHORT], OTHER_ITEMS)
    for field in sorted(one.contents.keys() | other.contents.keys()):
        first, second = one.contents.get(field, ""), other.contents.get(field, "")
        if first != second and field not in SHOWN_ELSEWHERE and one.contents and other.contents:
            what, effect = FIELDS.get(field, (field.replace("_", " "), SUBJECT))
            yield _row(what, first[:SHORT], second[:SHORT], effect)
    for name in sorted(one.hashes.keys() | other.hashes.keys()):
        first, second = one.hashes.get(name, "none"), other.hashes.get(name, "none")
        if first != second:
            yield _row(f"file {name}", first[:SHORT], second[:SHORT], SUBJECT)
    yield from _accuracy(before, after)


def _accuracy(before: Assessment, after: Assessment) -> Iterator[RunDifference]:
    """Yield the accuracy on all inputs, which comes first, if it differs."""
    for one, other in zip(
        before.application.baseline[:1], after.application.baseline[:1], strict=False
    ):
        if one.metric == other.metric and one.value != other.value:
            shown = [f"{row.value:.1%} ({row.low:.1%} to {row.high:.1%})" for row in (one, other)]
            yield _row(f"{one.metric} without an attack", shown[0], shown[1], OTHER_CORRECT)


def _of_rules(before: Assessment, after: Assessment) -> Iterator[RunDifference]:
    one, other = before.policy, after.policy
    if one != other:
        yield _row("policy", _policy(before), _policy(after), NO_VERDICTS)
    if before.application.secrecy != after.application.secrecy:
        yield _row("secrecy", "as in A", "as in B", OTHER_RATING)
    for goal in Goal:
        needs = [
            str(each.goals[goal].need.level) if goal in each.goals else "none"
            for each in (before, after)
        ]
        if needs[0] != needs[1]:
            yield _row(f"need of {goal}", needs[0], needs[1], NO_VERDICTS)
    rows = {row.name: row for row in before.attackers}
    for row in after.attackers:
        if row.name in rows and row != rows[row.name]:
            changed = [f for f in type(row).model_fields if _differs(row, rows[row.name], f)]
            first, second = (
                ", ".join(f"{field} {say_value(getattr(each, field))}" for field in changed)
                for each in (rows[row.name], row)
            )
            effect = OTHER_POWER if say_power(row.name, before, after) else SAME_POWER
            yield _row(f"attacker {row.name}", first, second, effect)


def _of_runs(before: Assessment, after: Assessment) -> Iterator[RunDifference]:
    if before.tool.version != after.tool.version:
        yield _row("goalkeeper", before.tool.version, after.tool.version, OTHER_ATTACKS)
    for name in sorted(before.environment.keys() | after.environment.keys()):
        one, other = before.environment.get(name, "none"), after.environment.get(name, "none")
        if one != other and name not in NO_VERSION:
            yield _row(name, one, other, "results may differ by that alone")
    if before.seed != after.seed:
        yield _row("seed", str(before.seed), str(after.seed), OTHER_SEED)
    if before.effort != after.effort:
        yield _row("effort", f"{before.effort:g}", f"{after.effort:g}", OTHER_SIZES)
    if not (before.complete and after.complete):
        said = {True: "complete", False: "unfinished"}
        yield _row("state of the run", said[before.complete], said[after.complete], UNFINISHED)


def _differs(row: object, other: object, field: str) -> bool:
    return bool(getattr(row, field) != getattr(other, field))


def _policy(assessment: Assessment) -> str:
    row = assessment.policy
    return f"{row.id} {row.version} ({row.sha256[:8]}, taxonomy {row.taxonomy_sha256[:8]})"


def _row(what: str, before: str, after: str, effect: str) -> RunDifference:
    return RunDifference(what=what, before=before, after=after, effect=effect)
