"""The page on how attacks work: a picture of each game, drawn from the game's own data."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from writing import anchor, page, words

from goalkeeper.attacks import catalogue
from goalkeeper.attacks.base import Attack
from goalkeeper.core.power import MEANING, Capability
from goalkeeper.games import catalogue as games
from goalkeeper.games.base import Game, Task
from goalkeeper.policy import Policy, default_policy

AnAttack = type[Attack[Any, Any]]
AGame = type[Game[Any, Any, Any]]

WIDTH, LINE, EDGE, GAP = 220, 17, 12, 40  # of a box, of a line of text, inside it, between boxes
COLUMNS = 30  # characters of a line in a box
SAID = re.compile(r"(Question|Secret|Answer): (.+?\.)(?= (?:Question|Secret|Answer):|$)")


def text(tasks: dict[str, dict[str, Task]]) -> str:
    """Write the page; `tasks` are those of each game."""
    lead = (
        "Each game deals a question, keeps what must stay secret, and marks the answer; the attack "
        "only answers. Each picture is drawn from the game, its tasks and its attacks. Why it is "
        "done so: [games](../explanation/games.md). What each attack needs: [attacks](attacks.md)."
    )
    policy = default_policy()
    parts = [_part(name, game, tasks[name], policy) for name, game in games().items()]
    return page("How each attack works", lead, *parts)


def _part(name: str, game: AGame, tasks: dict[str, Task], policy: Policy) -> str:
    mine = {n: attack for n, attack in catalogue().items() if attack.game is game}
    listed = "\n".join(f"- [{n}](attacks.md#{anchor(n)}): {_first(a)}" for n, a in mine.items())
    return f"## {name}\n\n{draw(name, game, tasks, mine, policy)}\n\n{listed}"


def _first(documented: object) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())


# ---- the picture ---------------------------------------------------------------------------------


def said(game: AGame) -> dict[str, str]:
    """Read what a game deals, keeps and is answered with from its docstring."""
    return dict(SAID.findall(_first(game)))


def draw(
    name: str,
    game: AGame,
    tasks: dict[str, Task],
    attacks: dict[str, AnAttack],
    policy: Policy,
) -> str:
    """Draw a game: who deals what, what the attack sees and may do, and what is marked."""
    about = said(game)
    sees, does = _powers(attacks, policy)
    boxes = (
        ("Game deals", [("", about["Question"]), ("keeps secret: ", about.get("Secret", ""))]),
        ("Attack answers", [("", about.get("Answer", "")), ("sees: ", sees), ("can do: ", does)]),
        ("Game marks", list(_marks(tasks, policy))),
    )
    columns = [(title, list(_lines(said_))) for title, said_ in boxes]
    height = EDGE * 2 + LINE * (1 + max(len(lines) for _, lines in columns))
    width = 3 * WIDTH + 2 * GAP
    label = f"The game {name}: " + "; ".join(f"{t}: {' '.join(ls)}" for t, ls in columns)
    drawn = [_box(i, title, lines, height) for i, (title, lines) in enumerate(columns)]
    arrows = [_arrow(i, height) for i in range(2)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}" font-size="13" font-family="sans-serif" '
        'fill="currentColor" style="width:100%;height:auto">'
    )
    return "\n".join([head, *drawn, *arrows, "</svg>"])


def _powers(attacks: dict[str, AnAttack], policy: Policy) -> tuple[str, str]:
    """Say between which views the attacks of a game lie, and what some of them do."""
    powers = [p for a in attacks.values() for p in policy.variant(a.variant).powers]
    views = sorted({power.view for power in powers})
    names = [view.name.lower() for view in (views[0], views[-1])]
    cells = [c.name for c in Capability if any(c in power.capabilities for power in powers)]
    seen = names[0] if names[0] == names[1] else f"{names[0]} to {names[1]}"
    does = "; ".join(f"{MEANING[name]} ({name})" for name in map(str, cells))
    return seen, does or "nothing more"


def _marks(tasks: dict[str, Task], policy: Policy) -> Iterator[tuple[str, str]]:
    for metric in dict.fromkeys(task.metric for task in tasks.values()):
        rule = policy.rating.metrics[metric]
        yield "", f"{metric.replace('_', ' ')}, in {rule.unit}"
        yield "compared with: ", rule.baseline
    goals = dict.fromkeys(str(harm) for task in tasks.values() for harm in task.harms)
    yield "counts for: ", words(goals)


def _lines(said_: Sequence[tuple[str, str]]) -> Iterator[str]:
    for label, what in said_:
        if what:
            plain = f"{label}{what}".replace("`", "")
            yield from textwrap.wrap(plain, COLUMNS, break_long_words=False)


def _box(place: int, title: str, lines: list[str], height: int) -> str:
    x = place * (WIDTH + GAP)
    rows = "".join(f'<tspan x="{x + EDGE}" dy="{LINE}">{escape(line)}</tspan>' for line in lines)
    return (
        f'<rect x="{x + 1}" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="6" fill="none" '
        f'stroke="currentColor"/><text x="{x + EDGE}" y="{EDGE + LINE - 5}">'
        f'<tspan font-weight="bold">{escape(title)}</tspan>{rows}</text>'
    )


def _arrow(place: int, height: int) -> str:
    start = place * (WIDTH + GAP) + WIDTH + 4
    end, y = start + GAP - 8, height // 2
    return (
        f'<path d="M{start} {y}H{end}m-7 -5l7 5l-7 5" fill="none" stroke="currentColor" '
        'stroke-width="1.5"/>'
    )
