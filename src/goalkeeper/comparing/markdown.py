"""A comparison as a comment of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from goalkeeper.comparing.records import Comparison, Direction
from goalkeeper.comparing.sentences import VERDICTS, say_values

MOST_ATTACKS = 15  # so that a comment stays short; --json has all
MARK = {Direction.WORSE: "**worse**", Direction.BETTER: "better", Direction.UNDECIDED: "undecided"}


def render_markdown_comparison(found: Comparison) -> str:
    """Render as Markdown of GitHub: a table of goals, the attacks that changed, what differs."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Comparison) -> Iterator[str]:
    yield f"### goalkeeper: {_cell(found.after.application)}, before and after"
    yield ""
    yield found.summary
    yield ""
    yield "| goal | before | after | change | why |"
    yield "| --- | --- | --- | --- | --- |"
    for goal, row in found.goals.items():
        before, after = VERDICTS[row.verdict_before], VERDICTS[row.verdict_after]
        yield f"| {goal} | {before} | {after} | {MARK[row.change]} | {_cell(row.sentence)} |"
    changed = [row for row in found.attacks if row.change is not Direction.UNDECIDED]
    if changed:
        yield ""
        yield "| attack | task | change | values (95 % interval) |"
        yield "| --- | --- | --- | --- |"
        for each in changed[:MOST_ATTACKS]:
            cells = (each.attack, each.task, MARK[each.change], _cell(say_values(each)))
            yield "| " + " | ".join(cells) + " |"
        if changed[MOST_ATTACKS:]:
            yield f"| {len(changed) - MOST_ATTACKS} more | | | |"
    if found.differences:
        yield ""
        yield "What differs between the runs:"
        yield ""
        for other in found.differences[:MOST_ATTACKS]:
            values = f"{_cell(other.before)} → {_cell(other.after)}"
            yield f"- {_cell(other.what)}: {values}; {other.effect}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
