"""`goalkeeper store`: what is kept for every later run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goalkeeper.cli import amounts
from goalkeeper.cli.common import AsJson, typed
from goalkeeper.cli.exits import Exit
from goalkeeper.cli.options import Place

if TYPE_CHECKING:
    from goalkeeper.compute.index import Entry
    from goalkeeper.compute.store import Store


class Action(StrEnum):
    """What to do with the store."""

    SHOW = "show"
    PRUNE = "prune"
    CHECK = "check"


def store(
    action: Annotated[
        Action,
        typer.Argument(
            help="show: where it is and what is in it. prune: remove what --older and --larger "
            "say. check: verify every hash; what is damaged is removed, and played again."
        ),
    ] = Action.SHOW,
    older: Annotated[
        str,
        typer.Option(
            "--older", help="prune: what was not used for this long, e.g. 30d.", show_default=False
        ),
    ] = "",
    larger: Annotated[
        str,
        typer.Option(
            "--larger",
            help="prune: the longest unused, until the store is no larger than this, e.g. 2G.",
            show_default=False,
        ),
    ] = "",
    place: Place = None,
    as_json: AsJson = False,
) -> None:
    """Show, prune or check the store, from which later runs take the plays that they share."""
    import json

    from goalkeeper.compute.store import Store

    _fits(action, older, larger)
    opened = Store(place)
    if action is Action.SHOW:
        found = shown(opened)
    elif action is Action.PRUNE:
        found = _pruned(opened, older, larger)
    else:
        found = {"place": str(opened.root), "damaged": opened.check()}
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _tell(found)
    if found.get("damaged"):
        raise typer.Exit(Exit.NOT_MET)


def shown(opened: Store) -> dict[str, Any]:
    """Tell place, number and size of the entries, by application."""
    entries = opened.entries()
    names = sorted({entry.application for entry in entries})
    by = {name: _sizes(e for e in entries if e.application == name) for name in names}
    return {"place": str(opened.root), **_sizes(entries), "applications": by}


def _pruned(opened: Store, older: str, larger: str) -> dict[str, Any]:
    since = time.time() - amounts.seconds(older, "--older") if older else 0.0
    removed = opened.prune(unused_since=since, largest=amounts.size(larger, "--larger"))
    return {"removed": _sizes(removed), **shown(opened)}


def _sizes(entries: Iterable[Entry]) -> dict[str, int]:
    sizes = [entry.size for entry in entries]
    return {"entries": len(sizes), "bytes": sum(sizes)}


def _fits(action: Action, older: str, larger: str) -> None:
    from goalkeeper.core.errors import DescriptionError

    if action is Action.PRUNE and not (older or larger):
        raise DescriptionError(
            "nothing says what to remove",
            key="store prune",
            expected="--older, --larger or both",
            advice=typed("store", "prune", "--older", "30d"),
        )
    if action is not Action.PRUNE and (older or larger):
        raise DescriptionError(
            f"store {action} removes nothing by age or size",
            key="--older, --larger",
            expected="store prune",
            given=f"store {action}",
        )


def _tell(found: dict[str, Any]) -> None:
    typer.echo(f"store: {found['place']}")
    if "damaged" in found:
        for name in found["damaged"]:
            typer.echo(f"  damaged, removed: {name}")
        typer.echo("every hash is right" if not found["damaged"] else "they are played again")
        return
    if "removed" in found:
        typer.echo(f"removed: {_words(found['removed'])}")
    typer.echo(f"entries: {_words(found)}")
    for name, sizes in found["applications"].items():
        typer.echo(f"  {name or 'of no application'}: {_words(sizes)}")


def _words(sizes: dict[str, Any]) -> str:
    return f"{sizes['entries']}, {amounts.shown(sizes['bytes'])}"
