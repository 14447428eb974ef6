"""What the files must satisfy beyond their shape; errors name the file and the key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import get_args

from goalkeeper.core.errors import PolicyError
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.policy._files import check_name, nearest
from goalkeeper.policy._rating import Feasibility, Rating
from goalkeeper.policy._remedies import check_remedies
from goalkeeper.policy._sentences import check_sentences
from goalkeeper.policy._taxonomy import Family, Taxonomy

NEEDS = (1, 2, 3)
TOP = 4
ASPECTS = ("data", "algorithm", "model")
GRADES = ("partial", "full")
RATED = (Status.TESTED, Status.COVERED)  # by what was measured, here or for a stronger attacker
UNTESTED = (
    Status.EXCLUDED,
    Status.NOT_TESTED,
    Status.FAILED_TO_RUN,
    Status.CONTROL_FAILED,
    Status.NOT_NEEDED,
)
EASIER: tuple[Feasibility, ...] = ("very_low", "low", "medium", "high")


def check_rating(rating: Rating, path: Path) -> None:
    """Refuse a policy whose verdicts would not be well defined, or would show untested as green."""
    problem = next(_problems(rating), None)
    if problem:
        raise PolicyError(f"{path}: {problem}")


def check_taxonomy(taxonomy: Taxonomy, rating: Rating, path: Path) -> None:
    """Refuse names that lead nowhere: metrics, references, frameworks, harms, chains."""
    for name, family in taxonomy.families.items():
        where = f"{path}: families.{name}"
        metrics = list(family.metrics.values())
        _check_variants(family, taxonomy, metrics, where)
        for metric in metrics:
            check_name(metric, rating.metrics, f"{where}.metric")
        for framework in family.standards:
            check_name(framework, taxonomy.frameworks, f"{where}.standards")
        for ref in family.refs:
            check_name(ref, taxonomy.literature, f"{where}.refs")
        for entry in family.harms:
            if (entry.level or entry.aspect) and entry.goal is not Goal.INTEGRITY:
                raise PolicyError(f"{where}.harms: only integrity has levels and aspects")
        if not family.rated:
            raise PolicyError(f"{where}.harms: at least one must be primary or secondary")
    check_sentences(taxonomy.sentences, _ids(taxonomy), str(path))
    variants = {name: list(family.variants) for name, family in taxonomy.families.items()}
    check_remedies(taxonomy.remedies, variants, str(path))


def _ids(taxonomy: Taxonomy) -> list[str]:
    return [f"{f}.{v}" for f, entry in taxonomy.families.items() for v in entry.variants]


def _check_variants(family: Family, taxonomy: Taxonomy, metrics: list[str], where: str) -> None:
    rated = [str(harm) for harm in family.rated]
    ids = _ids(taxonomy)
    for name, entry in family.variants.items():
        here = f"{where}.variants.{name}"
        for harm in entry.harms:
            check_name(harm, rated, f"{here}.harms")
        for metric in entry.metric.values():
            check_name(metric, metrics, f"{here}.metric")
        for framework in entry.standards:
            check_name(framework, taxonomy.frameworks, f"{here}.standards")
        for ref in entry.refs:
            check_name(ref, taxonomy.literature, f"{here}.refs")
        if entry.chain:
            check_name(entry.chain, ids, f"{here}.chain")
        if entry.measured_by:
            check_name(entry.measured_by, ids, f"{here}.measured_by")


def _problems(rating: Rating) -> Iterator[str]:
    yield from _scales(rating)
    yield from _tables(rating)
    yield from _secrecy(rating)
    yield from _names(rating)
    for name, rule in rating.metrics.items():
        if not _rising(rule.edges, strictly=True):
            yield f"metrics.{name}.edges: must rise, are {list(rule.edges)}"


def _scales(rating: Rating) -> Iterator[str]:
    """Find scales on which a higher need is easier to meet, or untested is green or red."""
    required = [rating.required_attack_potential.get(need, -1) for need in NEEDS]
    if min(required) < 0 or not _rising(required):
        yield f"required_attack_potential: give points for needs 1 to 3 that never fall: {required}"
    critical = [rating.critical_level.get(need, 0) for need in NEEDS]
    if not all(1 <= level <= TOP for level in critical) or not _rising(critical[::-1]):
        yield f"critical_level: give levels 1 to {TOP} for needs 1 to 3 that never rise: {critical}"
    floors = [rating.existence_rule.get(need, 0) for need in NEEDS]
    if not _rising(floors) or not all(0 <= floor <= TOP for floor in floors):
        yield f"existence_rule: give levels for needs 1 to 3 that never fall: {floors}"
    for status in Status:
        if status not in (*RATED, *rating.status_interval):
            yield f"status_interval: {status} is missing"
    for status in UNTESTED:
        if rating.interval(status) != (0, TOP):
            yield (
                f"status_interval.{status}: must be [0, {TOP}], so that what was not tested is "
                f"never green and never red; is {list(rating.interval(status))}"
            )
    for need in (0, *NEEDS):
        row = [rating.risk_matrix.get(need, {}).get(name, 0) for name in EASIER]
        if min(row) < 1 or max(row) > len(NEEDS) + 2 or not _rising(row):
            yield f"risk_matrix.{need}: give values 1 to 5 that never fall for {', '.join(EASIER)}"


def _tables(rating: Rating) -> Iterator[str]:
    tables = rating.attack_potential
    days = [most for most, _ in tables.elapsed_time]
    points = [most for most, _ in tables.feasibility]
    for key, edges in (("elapsed_time", days), ("feasibility", points)):
        if not _rising(edges, strictly=True) or edges[-1] != float("inf"):
            yield f"attack_potential.{key}: the bounds must rise and end with .inf, are {edges}"
    if not _rising([pt for _, pt in tables.elapsed_time]):
        yield "attack_potential.elapsed_time: more days must never cost fewer points"
    easiness = [EASIER.index(name) for _, name in tables.feasibility]
    if not _rising(easiness[::-1], strictly=True) or len(easiness) != len(get_args(Feasibility)):
        yield f"attack_potential.feasibility: name {', '.join(EASIER[::-1])}, in this order"


def _secrecy(rating: Rating) -> Iterator[str]:
    tables = rating.attack_potential
    for aspect, grades in rating.default_secrecy.items():
        if aspect not in ASPECTS:
            yield f"default_secrecy: there is no {aspect!r}; {nearest(aspect, ASPECTS)}"
        for grade, name in grades.items():
            key = f"default_secrecy.{aspect}.{grade}"
            if grade not in GRADES:
                yield f"{key}: there is no {grade!r}; {nearest(grade, GRADES)}"
            if name not in tables.knowledge:
                yield f"{key}: there is no {name!r}; {nearest(name, tables.knowledge)}"
    for aspect in ASPECTS:
        for grade in GRADES:
            if grade not in rating.default_secrecy.get(aspect, {}):
                yield f"default_secrecy.{aspect}.{grade}: is missing"


def _names(rating: Rating) -> Iterator[str]:
    tables = rating.attack_potential
    for name, profile in rating.profiles.items():
        if profile.window not in tables.window:
            problem = f"there is no {profile.window!r}; {nearest(profile.window, tables.window)}"
            yield f"profiles.{name}.window: {problem}"
    if not rating.profiles:
        yield "profiles: give at least one attacker"


def _rising(values: Sequence[float], *, strictly: bool = False) -> bool:
    return all(a < b or (a == b and not strictly) for a, b in pairwise(values))
