"""`goalkeeper list`: list attacks, games, attackers, variants or defences."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from goalkeeper.cli.common import AsJson, make_console, print_table


class What(StrEnum):
    """What can be listed."""

    ATTACKS = "attacks"
    GAMES = "games"
    ATTACKERS = "attackers"
    VARIANTS = "variants"
    DEFENCES = "defences"


def listing(
    what: Annotated[What, typer.Argument(help="What to list.")], as_json: AsJson = False
) -> None:
    """List attacks, games, attackers, the variants of the taxonomy, or defences."""
    rows = {
        What.ATTACKS: attacks,
        What.GAMES: games,
        What.ATTACKERS: attackers,
        What.VARIANTS: variants,
        What.DEFENCES: defences,
    }[what]()
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    from rich.table import Table

    shown = [key for key in rows[0] if key not in {"settings", "standards", "reference"}]
    table = Table(*shown)
    for row in rows:
        table.add_row(*[_cell(row[key]) for key in shown])
    table.columns[0].no_wrap = True
    print_table(table, make_console())


def _cell(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def attacks() -> list[dict[str, Any]]:
    """Describe every attack."""
    from dataclasses import fields

    from goalkeeper.attacks import catalogue
    from goalkeeper.core.evidence import jsonable
    from goalkeeper.planning import describe_power, needs, variant_of
    from goalkeeper.policy import default_policy

    policy = default_policy()
    rows = []
    for name, attack in catalogue().items():
        variant = variant_of(name, attack, policy)
        rows.append(
            {
                "name": name,
                "game": attack.game.name,
                "family": variant.family,
                "variant": variant.id,
                "domains": sorted(attack.domains),
                "needs": [_words(describe_power(p)) for p in needs(attack, variant)],
                "what": (attack.__doc__ or "").strip().splitlines()[0],
                "reference": attack.reference,
                "standards": [f"{s.framework} {s.id}" for s in variant.standards],
                "settings": {f.name: jsonable(getattr(attack(), f.name)) for f in fields(attack)},
            }
        )
    return rows


def games() -> list[dict[str, Any]]:
    """Describe every game, and name the attacks of each."""
    from goalkeeper.attacks import catalogue as attack_catalogue
    from goalkeeper.games import catalogue

    return [
        {
            "name": name,
            "family": game.family,
            "what": (game.__doc__ or "").strip().splitlines()[0],
            "attacks": [n for n, attack in attack_catalogue().items() if attack.game is game],
        }
        for name, game in catalogue().items()
    ]


def attackers() -> list[dict[str, Any]]:
    """Describe every built-in attacker."""
    from goalkeeper.planning import describe_power
    from goalkeeper.policy import default_policy

    return [
        {
            "name": who.name,
            "box": who.box,
            "label": who.label,
            "power": _words(describe_power(who.power)),
            "queries": str(who.power.budget.queries),
            "share of the data": f"{who.power.budget.share:.0%}",
        }
        for who in default_policy().attackers.values()
    ]


def variants() -> list[dict[str, Any]]:
    """Describe every variant of the taxonomy, and its attacks."""
    from goalkeeper.attacks import catalogue
    from goalkeeper.policy import default_policy

    return [
        {
            "name": variant.id,
            "harms": [str(harm) for harm in variant.harms],
            "expertise": variant.expertise,
            "attacks": [n for n, a in catalogue().items() if a.variant == variant.id],
        }
        for variant in default_policy().variants()
    ]


def _words(power: dict[str, Any]) -> str:
    knowledge = [
        f"{aspect}: {grade}" for aspect, grade in power["knowledge"].items() if grade != "none"
    ]
    parts = [*knowledge, *power["capabilities"]]
    if power["view"] != "nothing":
        parts.append(f"sees {power['view']}")
    return ", ".join(parts) or "nothing"


def defences() -> list[dict[str, Any]]:
    """Describe every defence that goalkeeper can apply and try."""
    from goalkeeper.core.goals import Goal
    from goalkeeper.defences import catalogue

    return [
        {
            "name": name,
            "what": defence.about,
            "price": defence.price,
            "goals": [str(goal) for goal in Goal if goal in defence.goals],
            "families": sorted(defence.families),
            "settings": {
                key: {"default": field.default, "what": field.description}
                for key, field in defence.settings.model_fields.items()
            },
        }
        for name, defence in catalogue().items()
    ]
