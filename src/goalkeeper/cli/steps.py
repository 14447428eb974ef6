"""Show on standard error what takes longer than a moment: alive on a terminal, lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from goalkeeper.core.noticeboard import BOARD, Activity

if TYPE_CHECKING:
    from rich.console import Console

MOMENT = 1.0  # seconds after which a step is shown where there is no terminal
LOOK = 0.1  # seconds between looks at what this process does
DOING = {
    Activity.IMPORT: "importing your code",
    Activity.DATA: "reading the data",
    Activity.BUILD: "building the model",
    Activity.TRAINING: "training the model",
}


@contextmanager
def show_step(text: str, console: Console | None) -> Iterator[None]:
    """Show a step while the block runs, and in its place what the user's code does meanwhile.

    On a terminal from the start; elsewhere, as in the log of a build, a line for each that takes
    longer than a second.

    Parameters
    ----------
    text
        What the step does.
    console
        Where it is shown; None: nowhere.
    """
    if console is None:
        yield
        return
    status = console.status(text) if console.is_terminal else None

    def show(label: str) -> None:
        if status is None:
            console.print(f"{label} ...", markup=False)
        else:
            status.update(label)

    over = threading.Event()
    wait = 0.0 if console.is_terminal else MOMENT
    watcher = threading.Thread(target=_watch, args=(text, show, over, wait), daemon=True)
    with status or nullcontext():
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


def _watch(text: str, show: Callable[[str], None], over: threading.Event, wait: float) -> None:
    """Show each thing that is done for so long, once in a row."""
    shown, label, since = "", text, time.monotonic()
    while not over.wait(LOOK):
        visit = BOARD.read()[1]
        doing = DOING.get(visit.work, text) if visit is not None else text
        if doing != label:
            label, since = doing, time.monotonic()
        if label != shown and time.monotonic() - since >= wait:
            show(label)
            shown = label
