"""What was sent to a service and what it answered: counted and kept for all workers of a run.

The hard limits hold for all processes together, and a run that is resumed neither counts from zero
nor pays twice. Inputs are kept as hashes only, and no secret reaches these files.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from goalkeeper.core.errors import TargetError
from goalkeeper.core.private import make_file, make_folder
from goalkeeper.targets._http_counts import Counts

UNLIMITED = float("inf")
AT_ONCE = 500  # rows in one statement: SQLite takes at least 999 variables
OFTEN = 0.25  # seconds between two writes of answers, where they come in faster
KEY = 16  # bytes of a key
TABLE = "CREATE TABLE IF NOT EXISTS replies (id INTEGER PRIMARY KEY, keys BLOB, items TEXT)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
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
        Where the files are, for all processes of a run; None: in memory, for this process.
    limits
        What may be sent.
    """

    def __init__(self, folder: Path | None, limits: ServiceLimits) -> None:
        self.limits = limits
        if folder is not None:  # it keeps inputs and answers, and may be there before its run
            make_folder(folder.parent)
            make_folder(folder)
            make_file(folder / "answers.sqlite")
        self._counts = Counts(None if folder is None else folder / "counts", limits.most)
        self._lock = threading.Lock()
        self._waiting: list[tuple[bytes, str]] = []
        self._index: dict[bytes, tuple[int, int]] = {}  # reply, and place in it
        self._latest = 0
        self._written = 0.0
        place = ":memory:" if folder is None else str(folder / "answers.sqlite")
        self._base = sqlite3.connect(place, timeout=60, check_same_thread=False)
        if folder is not None:
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=OFF")
        with self._base:
            self._base.execute(TABLE)

    def close(self) -> None:
        """Write what is not written yet, and close the files."""
        self.write()
        with self._lock:
            self._base.close()
        self._counts.close()

    # ---- counting -----------------------------------------------------------------------------

    def reserve(self, inputs: int, now: float) -> float:
        """Count a request before it is sent; return the seconds until it may be sent.

        Raises
        ------
        TargetError
            The budget or the cap does not cover it; nothing is counted.
        """
        with self._counts.changing() as numbers:
            self._check(numbers[0], numbers[1], inputs)
            numbers[0] += 1
            numbers[1] += inputs
            return self._counts.turn(numbers, self.limits.window, now) if self.limits.most else 0.0

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
        with self._counts.changing() as numbers:
            numbers[0] -= 1
            numbers[1] -= inputs

    def count_answered(self, inputs: int) -> None:
        """Count inputs that were answered."""
        with self._counts.changing() as numbers:
            numbers[2] += inputs

    def spent(self) -> Spent:
        """Return what was sent so far, by all processes."""
        with self._counts.changing() as numbers:
            return Spent(requests=numbers[0], inputs=numbers[1], answered=numbers[2])

    # ---- keeping ------------------------------------------------------------------------------

    def keep(self, keys: Sequence[bytes], items: Sequence[Any], now: float) -> None:
        """Keep the answers of one reply by the keys of their inputs, and count them.

        Answers are JSON values. They are written at once, but no more often than every quarter of
        a second.
        """
        self.count_answered(len(keys))
        with self._lock:
            self._waiting.append((b"".join(keys), json.dumps(items)))
        if now - self._written >= OFTEN:
            self._written = now
            self.write()

    def write(self) -> None:
        """Write the answers that are not written yet."""
        with self._lock, self._base:
            rows, self._waiting = self._waiting, []
            self._base.executemany("INSERT INTO replies (keys, items) VALUES (?, ?)", rows)

    def recall(self, keys: Iterable[bytes]) -> dict[bytes, Any]:
        """Return the answers that are kept, by key; of several, the first."""
        self.write()
        with self._lock:
            self._read_new()
            places = {key: self._index[key] for key in keys if key in self._index}
            replies: dict[int, list[Any]] = {}
            wanted = sorted({place[0] for place in places.values()})
            for begin in range(0, len(wanted), AT_ONCE):
                part = wanted[begin : begin + AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT id, items FROM replies WHERE id IN ({marks})"  # noqa: S608
                replies |= {row[0]: json.loads(row[1]) for row in self._base.execute(query, part)}
        return {key: replies[reply][i] for key, (reply, i) in places.items()}

    def _read_new(self) -> None:
        """Learn where the answers are that this process and others have written since."""
        query = "SELECT id, keys FROM replies WHERE id > ? ORDER BY id"
        for reply, blob in self._base.execute(query, (self._latest,)):
            self._latest = reply
            for i, begin in enumerate(range(0, len(blob), KEY)):
                self._index.setdefault(blob[begin : begin + KEY], (reply, i))


class Slots:
    """At most so many requests in flight, in all processes that share the folder.

    A slot is a locked file: one that ends in a crash is free again at once.
    """

    def __init__(self, folder: Path | None, count: int) -> None:
        self._free = list(range(count))
        self._files: list[IO[bytes]] = []
        if folder is not None:
            make_folder(folder)
            for i in range(count):
                make_file(folder / f"slot-{i}")
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
