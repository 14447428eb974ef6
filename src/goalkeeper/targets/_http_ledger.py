"""What was sent to a service and what it answered: counted and kept for all workers of a run.

One SQLite file: the hard limits hold for all processes together, and a run that is resumed neither
counts from zero nor pays twice. Inputs are kept as hashes only, and no secret reaches this file.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from goalkeeper.core.errors import TargetError

UNLIMITED = float("inf")
AT_ONCE = 500  # keys in one statement: SQLite takes at least 999 variables
TABLES = """
CREATE TABLE IF NOT EXISTS totals (requests INTEGER, inputs INTEGER, answered INTEGER);
CREATE TABLE IF NOT EXISTS starts (id INTEGER PRIMARY KEY, at REAL);
CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, item TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a service may be asked, retries included.

    Parameters
    ----------
    budget
        Requests.
    price, per, cap
        Price of one request or of one input, and the most that is spent.
    most, window
        The most requests in any so many seconds.
    """

    budget: float = UNLIMITED
    price: float = 0.0
    per: Literal["request", "input"] = "request"
    cap: float = UNLIMITED
    most: int = 0
    window: float = 0.0

    @property
    def interval(self) -> float:
        """Seconds a request at the full rate; 0 where there is no rate."""
        return self.window / self.most if self.most else 0.0

    def cost(self, requests: float, inputs: float) -> float:
        """Return the price of so many requests with so many inputs in all."""
        return self.price * (requests if self.per == "request" else inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was sent so far: requests, inputs in them, and inputs that were answered."""

    requests: int
    inputs: int
    answered: int


class Ledger:
    """Counts requests before they are sent, and keeps answers.

    Parameters
    ----------
    folder
        Where the file is, for all processes of a run; None: in memory, for this process.
    limits
        What may be sent.
    """

    def __init__(self, folder: Path | None, limits: Limits) -> None:
        self.limits = limits
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        place = ":memory:" if folder is None else str(folder / "answers.sqlite")
        self._lock = threading.Lock()
        self._base = sqlite3.connect(place, timeout=60, check_same_thread=False)
        self._base.isolation_level = None  # transactions are begun where they are needed
        if folder is not None:
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=OFF")
        with self._changing() as base:
            for statement in TABLES.strip().splitlines():
                base.execute(statement)
            if not base.execute("SELECT 1 FROM totals").fetchone():
                base.execute("INSERT INTO totals VALUES (0, 0, 0)")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Change the file in one step that other processes see whole or not at all."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    # ---- counting -----------------------------------------------------------------------------

    def reserve(self, inputs: int, now: float) -> float:
        """Count a request before it is sent; return the seconds until it may be sent.

        Raises
        ------
        TargetError
            The budget or the cap does not cover it; nothing is counted.
        """
        with self._changing() as base:
            requests, asked = base.execute("SELECT requests, inputs FROM totals").fetchone()
            self._check(requests, asked, inputs)
            base.execute(
                "UPDATE totals SET requests = requests + 1, inputs = inputs + ?", (inputs,)
            )
            return self._turn(base, now) if self.limits.most else 0.0

    def _turn(self, base: sqlite3.Connection, now: float) -> float:
        """Plan the start of a request, so that no window has more than it may; return the wait."""
        most, window = self.limits.most, self.limits.window
        last, latest = base.execute("SELECT max(id), at FROM starts").fetchone()
        if last is not None and latest - now > window * (1 + last / most):
            base.execute("DELETE FROM starts")  # times of another start of the machine
            last = None
        place = 1 if last is None else last + 1
        before = base.execute("SELECT at FROM starts WHERE id = ?", (place - most,)).fetchone()
        start = now if before is None else max(now, before[0] + window)
        base.execute("INSERT INTO starts VALUES (?, ?)", (place, start))
        base.execute("DELETE FROM starts WHERE id <= ?", (place - most,))
        return float(start - now)

    def _check(self, requests: int, asked: int, inputs: int) -> None:
        limits = self.limits
        if requests + 1 > limits.budget:
            raise TargetError(
                f"the budget of {limits.budget:,.0f} requests is spent (model.http.budget); "
                "raise it, and the same command continues with what is missing"
            )
        cost = limits.cost(requests + 1, asked + inputs)
        if cost > limits.cap * (1 + 1e-12):
            spent = limits.cost(requests, asked)
            raise TargetError(
                f"the next request would exceed the cap: {spent:.2f} of {limits.cap:.2f} is spent "
                f"on {requests:,} requests (model.http.cap); raise it, and the same command "
                "continues with what is missing"
            )

    def refund(self, inputs: int) -> None:
        """Take back a request that was not sent."""
        with self._changing() as base:
            base.execute(
                "UPDATE totals SET requests = requests - 1, inputs = inputs - ?", (inputs,)
            )

    def spent(self) -> Spent:
        """Return what was sent so far, by all processes."""
        with self._lock:
            row = self._base.execute("SELECT requests, inputs, answered FROM totals").fetchone()
        return Spent(requests=row[0], inputs=row[1], answered=row[2])

    # ---- keeping ------------------------------------------------------------------------------

    def count_answered(self, inputs: int) -> None:
        """Count inputs that were answered and are not kept."""
        with self._changing() as base:
            base.execute("UPDATE totals SET answered = answered + ?", (inputs,))

    def keep(self, items: Mapping[bytes, str]) -> None:
        """Keep answers by the keys of their inputs, and count them; the first one stays."""
        with self._changing() as base:
            base.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", items.items())
            base.execute("UPDATE totals SET answered = answered + ?", (len(items),))

    def recall(self, keys: Iterable[bytes]) -> dict[bytes, str]:
        """Return the answers that are kept, by key."""
        wanted = list(keys)
        found: dict[bytes, str] = {}
        with self._lock:
            for begin in range(0, len(wanted), AT_ONCE):
                part = wanted[begin : begin + AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, item FROM answers WHERE key IN ({marks})"  # noqa: S608
                with closing(self._base.execute(query, part)) as rows:
                    found.update(rows)
        return found


class Slots:
    """At most so many requests in flight, in all processes that share the folder.

    A slot is a locked file: one that ends in a crash is free again at once.
    """

    def __init__(self, folder: Path | None, count: int) -> None:
        self._free = list(range(count))
        self._files: list[IO[bytes]] = []
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._files = [(folder / f"slot-{i}").open("ab") for i in range(count)]

    def take(self) -> int | None:
        """Return a free slot, or None where all are taken."""
        for slot in self._free:
            if self._locked(slot):
                self._free.remove(slot)
                return slot
        return None

    def _locked(self, slot: int) -> bool:
        if not self._files:
            return True
        try:
            fcntl.flock(self._files[slot], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def give_back(self, slot: int) -> None:
        """Free a slot."""
        if self._files:
            fcntl.flock(self._files[slot], fcntl.LOCK_UN)
        self._free.append(slot)

    def close(self) -> None:
        """Close the files, which frees all slots."""
        for file in self._files:
            file.close()
