"""Generate the reference pages of docs/ from the code; they are built, not committed."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pictures
import protections
import simulations
import traceability
from writing import anchor, code, first_line, number, page, prose, sections, table, words

from goalkeeper.attacks import catalogue
from goalkeeper.attacks.base import Attack
from goalkeeper.core.evidence import jsonable
from goalkeeper.core.frameworks import Criterion
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import MEANING, UNLIMITED, Budget, Capability, Power, View
from goalkeeper.games import catalogue as games
from goalkeeper.games.base import Game, Task
from goalkeeper.policy import Policy, Variant, default_policy
from goalkeeper.testing.worlds import worlds_of

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "goalkeeper"
AnAttack = type[Attack[Any, Any]]
AGame = type[Game[Any, Any, Any]]


# ---- wording -------------------------------------------------------------------------------------


def power_words(power: Power) -> str:
    """Describe a power in words, except its budget."""
    known = [f"{g.name.lower()} {aspect}" for aspect, g in power.knowledge.items() if g]
    parts = [*known, *power.capabilities.names()]
    parts += [] if power.view is View.NOTHING else [f"sees {power.view.name.lower()}"]
    return words(parts, "nothing")


def spending(budget: Budget) -> str:
    """Describe a budget in words."""
    parts = [f"{number(budget.queries)} queries"] if budget.queries else []
    parts += [f"{budget.share:.1%} of the training data"] if budget.share else []
    parts += [f"{number(budget.compute_h)} h of computing"] if budget.compute_h else []
    return words(parts, "nothing")


def alternatives(powers: Sequence[Power]) -> str:
    """Describe alternative powers, any of which suffices."""
    return "; or ".join(dict.fromkeys(power_words(p) for p in powers))


def attacks_of(variant: Variant) -> list[str]:
    """Name the attacks of a variant."""
    return [name for name, attack in catalogue().items() if attack.variant == variant.id]


@cache
def tasks(game: AGame) -> dict[str, Task]:
    """Collect a game's tasks, as its rigged applications have them."""
    import numpy as np

    found: dict[str, Task] = {}
    for domain in sorted(game.domains):
        app = worlds_of(game).rigged(domain, np.random.default_rng(0))
        found |= {task.name: task for task in game().tasks(app)}
    return found


# ---- pages ---------------------------------------------------------------------------------------


def cli() -> str:
    """Write every verb with all its options, as `--help` prints them."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from goalkeeper.cli.main import build

    def help_text(*verb: str) -> str:
        arguments = [*verb, "--help"]
        shown = CliRunner().invoke(build(), arguments, prog_name="goalkeeper", terminal_width=80)
        lines = [line.rstrip() for line in shown.output.strip("\n").splitlines()]
        return "```text\n" + "\n".join(lines) + "\n```"

    command = get_command(build())
    verbs = list(getattr(command, "commands", {}))
    parts = [f"## goalkeeper {verb}\n\n{help_text(verb)}" for verb in verbs]
    about = "The meaning of exit codes: [exit codes](exit-codes.md)."
    return page(
        "Command line", "The output of `--help`, verb by verb. " + about, help_text(), *parts
    )


def attacks() -> str:
    """Write the catalogue, from the attack classes."""
    policy = default_policy()
    parts = [_attack(name, attack, policy) for name, attack in catalogue().items()]
    lead = (
        f"{len(parts)} attacks. Each is one file; this page is generated from its class and from "
        "its variant in the taxonomy. Needs are the minimum that an attacker must have; results "
        "over the budget are shown as a curve. All variants, with and without an attack: "
        "[variants](variants.md)."
    )
    return page("Attacks", lead, *parts)


def _attack(name: str, attack: AnAttack, policy: Policy) -> str:
    variant, made = policy.variant(attack.variant), attack()
    needs = [power.joined(attack.asks) for power in variant.powers]
    standards: dict[str, list[str]] = {}
    for s in variant.standards:
        standards.setdefault(s.framework, []).append(f"{s.id} {s.name}".strip())
    result = [t for t in tasks(attack.game).values() if attack.covers(t)]
    settings = [f"`{f.name}` = {code(jsonable(getattr(made, f.name)))}" for f in fields(made)]
    uses = attack.uses
    rows = [
        ("game", f"[{attack.game.name}](games.md#{anchor(attack.game.name)})"),
        ("tasks", words(code(t.name) for t in result)),
        ("variant", code(variant.id)),
        ("counts for", words(dict.fromkeys(h for t in result for h in t.harms))),
        ("inputs", words(sorted(attack.domains & attack.game.domains))),
        ("needs", alternatives(needs)),
        ("spends at least", spending(needs[0].budget)),
        ("also uses, if granted", "nothing" if uses == Power() else power_words(uses)),
        ("a campaign is", variant.campaign),
        ("expertise, equipment", f"{variant.expertise}, {variant.equipment}"),
        ("rated by", words(dict.fromkeys(code(t.metric) for t in result))),
        ("settings", words(settings, "none")),
        ("reference", attack.reference),
        ("standards", "; ".join(f"{name}: {words(ids)}" for name, ids in standards.items())),
    ]
    return f"## {name}\n\n{prose(attack)}\n\n{table(('', ''), rows)}"


def game_pages() -> str:
    """Write the games, their tasks and their attacks."""
    parts = []
    for name, game in games().items():
        attacks_of_game = [n for n, a in catalogue().items() if a.game is game]
        links = words(f"[{n}](attacks.md#{anchor(n)})" for n in attacks_of_game)
        rows = [
            (code(t.name), t.sentence, words(t.harms), code(t.metric)) for t in tasks(game).values()
        ]
        grid = table(("task", "goal of the attacker", "counts for", "rated by"), rows)
        sizes = [f"`{f.name}` = {getattr(game(), f.name)}" for f in fields(game)]
        facts = (
            f"Family: {code(game.family)}. Inputs: {words(sorted(game.domains))}. "
            f"Sizes: {words(sizes, 'none')}. Attacks: {links}."
        )
        parts.append(f"## {name}\n\n{prose(game)}\n\n{facts}\n\n{grid}")
    have = {game.family for game in games().values()}
    planned = sorted(set(default_policy().families) - have)
    rest = "" if not planned else "Families without a game yet: " + words(map(code, planned)) + "."
    return page("Games", "The question of each game, and how answers are marked.", rest, *parts)


def attackers() -> str:
    """Write the built-in attackers."""
    policy = default_policy()
    rows: list[tuple[object, ...]] = []
    for who in policy.attackers.values():
        known = [f"{g.name.lower()} {aspect}" for aspect, g in who.power.knowledge.items() if g]
        mine = [v for v in policy.variants() if any(not who.power.lacks(p) for p in v.powers)]
        b = who.power.budget
        rate = f"{number(b.queries_per_day)} x {b.identities}"
        who_can = (words(who.power.capabilities.names()), who.power.view.name.lower())
        spends: tuple[object, ...] = (
            number(b.queries),
            rate,
            f"{b.share:.0%}",
            number(b.compute_h),
            who.window,
        )
        known_as: tuple[object, ...] = (code(who.name), who.box, words(known, "nothing"))
        reach = f"{len(mine)} of {len(policy.variants())}"
        rows.append((*known_as, *who_can, *spends, reach))
    head = "attacker|box|knows|can do|sees|queries|a day x accounts|share of data|"
    head += "hours of computing|window|variants within reach"
    cells = table(
        ("capability", "meaning"), [(code(c.name), MEANING[str(c.name)]) for c in Capability]
    )
    return page(
        "Attackers",
        "The built-in attackers. An application file can change them, or describe others: "
        "see [attackers](../explanation/attackers.md).",
        table(head.split("|"), rows),
        "## Capabilities\n\n" + cells,
        "T1 includes T2, T3 and T4; M1 includes M2. T1 to T4 and M1 to M4 are the cells of the "
        "source's table. W and O are not in that table; the source's levels of integrity imply "
        "them.",
    )


def variants() -> str:
    """Write every variant of the taxonomy, and which have attacks."""
    policy = default_policy()
    every = policy.variants()
    have = [v for v in every if attacks_of(v)]
    lead = (
        f"{len(every)} variants in {len(policy.families)} families; {len(have)} have an attack. A "
        "variant without an attack still counts: where an attacker could mount it, the report "
        "lists it as not tested, and its goal remains inconclusive unless the attack costs more "
        "than the goal must withstand."
    )
    parts = []
    for family in policy.families:
        rows = [
            (
                code(v.name),
                alternatives(v.powers),
                spending(v.least),
                v.expertise,
                words(f"[{n}](attacks.md#{anchor(n)})" for n in attacks_of(v)),
            )
            for v in every
            if v.family == family
        ]
        harms = words(str(h) for h in policy.families[family].rated)
        grid = table(("variant", "needs", "spends at least", "expertise", "attacks"), rows)
        parts.append(f"## {family}\n\nCounts for: {harms}.\n\n{grid}")
    return page("Variants", lead, *parts)


def how_attacks_work() -> str:
    """Write how the attacks of each game work, with a picture."""
    return pictures.text({name: tasks(game) for name, game in games().items()})


def standards() -> str:
    """Write the criteria of every framework, and which variants belong to each."""
    parts = []
    for framework in default_policy().frameworks():
        rows = [_criterion(c) for c in framework.criteria]
        listed = (
            "All of its criteria."
            if framework.whole
            else "Those of its criteria that attacks belong to."
        )
        grid = table(("criterion", "variants", "note"), rows)
        parts.append(f"## {framework.name}\n\n{listed} `--framework {framework.key}`\n\n{grid}")
    lead = (
        "Which [variants of attacks](variants.md) belong to which criterion of a public framework. "
        "A variant with an asterisk is not named by the framework: that mapping is ours. How the "
        "coverage of a run is read: [standards](../explanation/standards.md)."
    )
    return page("Standards", lead, *parts)


def _criterion(criterion: Criterion) -> tuple[str, str, str]:
    named = (f"{code(v)}*" if v in criterion.inferred else code(v) for v in criterion.variants)
    note = f"outside goalkeeper's scope: {criterion.outside}" if criterion.outside else ""
    if criterion.beyond:
        note = f"not examined: {criterion.beyond}"
    return criterion.title, words(named), note


def application_file() -> str:
    """Write the keys of the application file, from its JSON Schema."""
    from goalkeeper.describe import FILE_NAME, schema

    lead = (
        "The keys of `application.yaml`, generated from the JSON Schema that validates it. "
        f"`goalkeeper init` writes the schema beside the file ({code(FILE_NAME)}), so that an "
        "editor can complete and explain the keys. Unknown keys are errors that name the line."
    )
    return page("Application file", lead, *sections(schema(), "The file"))


def assessment() -> str:
    """Write the fields of assessment.json, from its JSON Schema."""
    from goalkeeper.report import schema

    lead = (
        "The fields of `assessment.json`. Everything that goalkeeper reports is rendered from "
        "this file. Numbers may be `inf` or `-inf`, written as text. "
        "`goalkeeper report DIR --format schema` prints the JSON Schema itself."
    )
    return page("Assessment", lead, *sections(schema(), "The assessment"))


def exit_codes() -> str:
    """Write the exit codes, from the enumeration and its comments."""
    from goalkeeper.cli import exits, scan

    found = re.findall(r"^    (\w+) = (\d+)  # (.+)$", inspect.getsource(exits.Exit), re.MULTILINE)
    rows = [(value, name.lower().replace("_", " "), text) for name, value, text in found]
    lead = "Strongest first: where several apply, the first one in this table is returned."
    rest = (
        "`--fail-on` of `goalkeeper run` selects the verdicts that give code 1: `not-met` (the "
        "default), `inconclusive` (also for inconclusive goals), or `never`. Attacks that failed "
        "to run and wrong usage keep their codes. `report` and `show` return 0 whatever the "
        "verdicts, unless they get `--fail-on` too. An unexpected error in goalkeeper ends with a "
        "traceback and code 2."
    )
    of_scan = re.findall(
        r"^    (\w+) = (\d+)  # (.+)$", inspect.getsource(scan.ScanExit), re.MULTILINE
    )
    about_scan = (
        "## goalkeeper scan\n\nThe worst file decides: the first one in this table is returned."
    )
    scanned = table(
        ("code", "name", "meaning"), [(value, name.lower(), text) for name, value, text in of_scan]
    )
    shown = table(("code", "name", "meaning"), rows)
    return page("Exit codes", lead, shown, rest, about_scan, scanned)


def bibliography() -> str:
    """Write the literature of the taxonomy; what was not checked is left out."""
    policy = default_policy()
    works = policy.taxonomy.literature
    rows = []
    for key, work in sorted(works.items()):
        used = [v.id for v in policy.variants() if key in v.references]
        if work.checked != "memory":
            note = f"Corrected: {work.correction}." if work.correction else ""
            source = "yes" if work.in_source else ""
            rows.append((code(key), work.citation(), source, words(used), note))
    lead = (
        "What the taxonomy cites. Title and identifier of each entry were seen together in a "
        "public repository or a literature index; a field that was not checked is left out, and "
        "so is a work that was not checked. Attacks name their own paper: [attacks](attacks.md)."
    )
    dropped = len(works) - len(rows)
    rest = f"{dropped} entries are left out because they were not checked." if dropped else ""
    head = ("key", "work", "in the source's list", "used by", "note")
    return page("Bibliography", lead, table(head, rows), rest)


def rating() -> str:
    """Write the tables of the rating policy."""
    policy = default_policy()
    rules = policy.rating
    levels, potential = rules.protection_need.levels, rules.attack_potential
    needs = [
        (levels[n], rules.critical_level[n], rules.required_attack_potential[n])
        for n in sorted(rules.critical_level)
    ]
    edges = [(code(n), m.unit, m.baseline, *map(number, m.edges)) for n, m in rules.metrics.items()]
    factors = [
        (f, words(f"{k.replace('_', ' ')} {v}" for k, v in getattr(potential, f).items()))
        for f in ("expertise", "knowledge", "window", "equipment")
    ]
    time = words(
        f"{'more' if d == UNLIMITED else f'at most {number(d)} days'} {p}"
        for d, p in potential.elapsed_time
    )
    bands = [(number(p), name.replace("_", " ")) for p, name in potential.feasibility]
    feasible = [name for _, name in potential.feasibility]
    risk = [(levels[n], *(row[f] for f in feasible)) for n, row in rules.risk_matrix.items()]
    untested = [(s.replace("_", " "), f"{a} to {b}") for s, (a, b) in rules.status_interval.items()]
    exposure = words(f"{n} {name}" for n, name in rules.exposure_levels.items())
    return page(
        "Rating policy",
        f"The policy `{policy.id}` {policy.version}, alpha {rules.alpha:g}. Every number is a "
        "default that can be replaced (`policy.rating` in the application file); a report names "
        "the policy by its hash. How it works: "
        "[brackets and rating](../explanation/brackets-and-rating.md).",
        "## What a need asks for",
        table(("need", "critical exposure level", "attack potential to withstand"), needs),
        f"## Edges of the exposure levels\n\nLevels: {exposure}.",
        table(("metric", "unit", "baseline", "above: 1", "2", "3", "4"), edges),
        "## Attack potential, in points",
        table(("factor", "points"), [("elapsed time", time), *factors]),
        "## Feasibility\n\n" + table(("points, at most", "feasibility"), bands),
        "## Risk value",
        table(("need", *(f.replace("_", " ") for f in feasible)), risk),
        "## Exposure of what was not tested\n\n" + table(("status", "level"), untested),
    )


def modules() -> str:
    """Write the packages and modules directly below `goalkeeper`."""
    found = sorted(
        path.stem if path.is_file() else path.name
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    )
    rows = [
        (code(f"goalkeeper.{name}"), first_line(import_module(f"goalkeeper.{name}")))
        for name in found
        if name != "__init__"
    ]
    public = words(code(f"gk.{name}") for name in import_module("goalkeeper").__all__)
    return page(
        "Modules",
        "The packages and modules directly below `goalkeeper`. How they fit together: "
        "[architecture](../architecture.md).",
        table(("module", "contents"), rows),
        f"## Public names\n\nAfter `import goalkeeper as gk`: {public}.",
        "Goals: " + words(map(code, Goal)) + ".",
    )


PAGES: dict[str, Callable[[], str]] = {
    "cli": cli,
    "attacks": attacks,
    "games": game_pages,
    "defences": protections.text,
    "how-attacks-work": how_attacks_work,
    "attackers": attackers,
    "variants": variants,
    "standards": standards,
    "statistics": simulations.text,
    "application-file": application_file,
    "assessment": assessment,
    "rating-policy": rating,
    "exit-codes": exit_codes,
    "bibliography": bibliography,
    "modules": modules,
}


def pages() -> dict[str, str]:
    """Generate every page: its path below docs/, and its text."""
    made = {f"reference/{name}.md": make() for name, make in PAGES.items()}
    return made | {"requirements.md": traceability.text()}


def main(arguments: Sequence[str]) -> None:
    """Write all pages below the given folder; by default below docs/."""
    folder = Path(arguments[0]) if arguments else HERE
    for name, text in pages().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
