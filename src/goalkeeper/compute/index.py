"""What is in the store, for those who list it: derived from the files, never needed to be right."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

FILE = "index.sqlite"
TABLE = (
    "CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, size INTEGER, used REAL,"
    " application TEXT, attack TEXT)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of the store: its size in bytes and its last use in seconds since 1970."""

    name: str
    size: int
    used: float
    application: str
    attack: str


class Index:
    """An SQLite table of entries beside them.

    It spares reading the header of every file. Missing or damaged, it is made again; where none
    can be written, one in memory serves.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._base = self._opened()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the file."""
        self._base.close()

    def synchronised(
        self, files: Iterable[Path], about: Callable[[Path], tuple[str, str]]
    ) -> list[Entry]:
        """Return an entry a file; `about` reads application and attack of those not known yet."""
        indexed = {row[0]: row[1:] for row in self._rows()}
        found = []
        for path in files:
            name = path.relative_to(self._root).as_posix()
            try:
                stat = path.stat()
            except OSError:  # it was removed meanwhile
                continue
            application, attack = indexed.get(name) or about(path)
            found.append(
                Entry(
                    name=name,
                    size=stat.st_size,
                    used=stat.st_mtime,
                    application=application,
                    attack=attack,
                )
            )
        self._replace(found)
        return found

    def _opened(self) -> sqlite3.Connection:
        path = self._root / FILE
        for _ in range(2):
            base = None
            try:
                base = sqlite3.connect(path)
                base.execute(TABLE)
                base.execute("SELECT name, size, used, application, attack FROM entries")
            except sqlite3.Error:
                if base is not None:
                    base.close()
                with suppress(OSError):
                    path.unlink()
            else:
                return base
        base = sqlite3.connect(":memory:")
        base.execute(TABLE)
        return base

    def _rows(self) -> list[tuple[str, str, str]]:
        try:
            return self._base.execute("SELECT name, application, attack FROM entries").fetchall()
        except sqlite3.Error:
            return []

    def _replace(self, entries: list[Entry]) -> None:
        rows = [(e.name, e.size, e.used, e.application, e.attack) for e in entries]
        with suppress(sqlite3.Error), self._base:
            self._base.execute("DELETE FROM entries")
            self._base.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", rows)
