"""The page of defences, from their classes."""

from __future__ import annotations

from typing import Any

from writing import anchor, code, page, prose, table, words

from goalkeeper.core.evidence import jsonable
from goalkeeper.core.goals import Goal
from goalkeeper.defences import Defence, catalogue
from goalkeeper.policy import default_policy

LEAD = (
    "Each defence is one file; this page is generated from its class. `goalkeeper harden` tries "
    "them: [Harden an application](../how-to/harden.md). What a defence is here, and why it is "
    "tested by an attacker who knows it: [Defences](../explanation/defences.md)."
)


def text() -> str:
    """Write every defence: what it does, when it works, its price, its settings, its source."""
    found = catalogue()
    rows = [
        (f"[{name}](#{anchor(name)})", d.about, words(g for g in Goal if g in d.goals))
        for name, d in found.items()
    ]
    overview = table(("defence", "what it does", "meant for"), rows)
    parts = [_defence(name, defence) for name, defence in found.items()]
    return page("Defences", f"{len(found)} defences. {LEAD}", overview, *parts)


def _defence(name: str, defence: type[Defence[Any]]) -> str:
    needs = (defence.lacks.__doc__ or "").removeprefix("Need ").strip(".")
    families = default_policy().taxonomy.families
    against = [f for f in families if f in defence.families]
    rows = [
        ("what it does", _sentence(defence.about)),
        ("when it works", _sentence(defence.works)),
        ("its price", _sentence(defence.price)),
        (
            "what it needs",
            _sentence(needs),
        ),
        ("an attacker who knows it", _sentence(defence.adaptive)),
        ("meant for", words(g for g in Goal if g in defence.goals)),
        ("against", words(f"[{f}](variants.md#{anchor(f)})" for f in against)),
    ]
    settings = [
        (code(key), code(jsonable(field.default)), field.description)
        for key, field in defence.settings.model_fields.items()
    ]
    grid = table(("setting", "default", "meaning"), settings) if settings else "No settings."
    return f"## {name}\n\n{prose(defence)}\n\n{table(('', ''), rows)}\n\n{grid}"


def _sentence(part: str) -> str:
    return f"{part[0].upper()}{part[1:]}."
