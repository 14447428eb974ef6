"""`goalkeeper store`: results that are kept for later runs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goalkeeper.cli import amounts
from goalkeeper.cli.common import AsJson, shell_command
from goalkeeper.cli.exits import Exit
from goalkeeper.cli.options import Place

if TYPE_CHECKING:
    from goalkeeper.compute.index import Entry
    from goalkeeper.compute.store import Store


class Action(StrEnum):
    """Actions on the store."""

    SHOW = "show"
    PRUNE = "prune"
    CHECK = "check"


def store(
    action: Annotated[
        Action,
        typer.Argument(
            help="show: print location and contents. prune: remove entries by --older and "
            "--larger. check: verify every hash, and remove damaged entries; later runs "
            "recompute them."
        ),
    ] = Action.SHOW,
    older: Annotated[
        str,
        typer.Option(
            "--older", help="prune: entries not used for this long, e.g. 30d.", show_default=False
        ),
    ] = "",
    larger: Annotated[
        str,
        typer.Option(
            "--larger",
            help="prune: least recently used entries, until the store has at most this size, "
            "e.g. 2G.",
            show_default=False,
        ),
    ] = "",
    place: Place = None,
    as_json: AsJson = False,
) -> None:
    """Show, prune or check the store, which shares results between runs."""
    import json

    from goalkeeper.compute.store import Store

    _check_options(action, older, larger)
    opened = Store(place)
    if action is Action.SHOW:
        found = describe_store(opened)
    elif action is Action.PRUNE:
        found = _prune(opened, older, larger)
    else:
        found = {"place": str(opened.root), "damaged": opened.check()}
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _print(found)
    if found.get("damaged"):
        raise typer.Exit(Exit.NOT_MET)


def describe_store(opened: Store) -> dict[str, Any]:
    """Return location, number and size of the entries, by application."""
    entries = opened.entries()
    names = sorted({entry.application for entry in entries})
    by = {name: _sizes(e for e in entries if e.application == name) for name in names}
    return {"place": str(opened.root), **_sizes(entries), "applications": by}


def _prune(opened: Store, older: str, larger: str) -> dict[str, Any]:
    since = time.time() - amounts.parse_seconds(older, "--older") if older else 0.0
    removed = opened.prune(unused_since=since, largest=amounts.parse_size(larger, "--larger"))
    return {"removed": _sizes(removed), **describe_store(opened)}


def _sizes(entries: Iterable[Entry]) -> dict[str, int]:
    sizes = [entry.size for entry in entries]
    return {"entries": len(sizes), "bytes": sum(sizes)}


def _check_options(action: Action, older: str, larger: str) -> None:
    from goalkeeper.core.errors import DescriptionError

    if action is Action.PRUNE and not (older or larger):
        raise DescriptionError(
            "store prune needs a criterion",
            key="store prune",
            expected="--older, --larger or both",
            advice=shell_command("store", "prune", "--older", "30d"),
        )
    if action is not Action.PRUNE and (older or larger):
        raise DescriptionError(
            f"store {action} does not take --older or --larger",
            key="--older, --larger",
            expected="store prune",
            given=f"store {action}",
        )


def _print(found: dict[str, Any]) -> None:
    typer.echo(f"store: {found['place']}")
    if "damaged" in found:
        for name in found["damaged"]:
            typer.echo(f"  damaged, removed: {name}")
        typer.echo(
            "all hashes are correct" if not found["damaged"] else "later runs recompute them"
        )
        return
    if "removed" in found:
        typer.echo(f"removed: {_words(found['removed'])}")
    typer.echo(f"entries: {_words(found)}")
    for name, sizes in found["applications"].items():
        typer.echo(f"  {name or 'no application'}: {_words(sizes)}")


def _words(sizes: dict[str, Any]) -> str:
    return f"{sizes['entries']}, {amounts.format_size(sizes['bytes'])}"
