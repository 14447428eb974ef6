"""Memory of a process and all that it started, against what the machine has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

SHARE, MOST = 0.05, 2**31  # what is left free: a share of the machine, and bytes at most
BLAMED = 0.25  # share of the machine from which a family is the reason for its shortage
GROUPS = Path("/sys/fs/cgroup")


class Guard:
    """Notices when this process and its descendants have taken too much memory."""

    def __init__(self) -> None:
        machine = psutil.virtual_memory().total
        self._group = _Group.of_this_process()
        self._total = min(machine, self._group.limit if self._group else machine)
        self._reserve = min(SHARE * self._total, MOST)

    def over(self, limit: float = 0.0) -> str:
        """Return a sentence if too much memory is in use, else nothing.

        Parameters
        ----------
        limit
            Bytes that the user allows for all processes together; 0: what the machine has.
        """
        if limit and (taken := _taken()) > limit:
            return (
                f"took more than the {limit / 2**20:,.0f} MiB of memory that --memory allows\n"
                "  do:       give it more with --memory, or make it smaller"
            )
        if self._left() > self._reserve or (taken := _taken()) < BLAMED * self._total:
            return ""
        return (
            f"took {taken / 2**20:,.0f} MiB, nearly all the memory that this machine had free\n"
            "  do:       make it smaller, or use a machine with more memory"
        )

    def _left(self) -> float:
        left: float = psutil.virtual_memory().available
        return left if self._group is None else min(left, self._group.left())


class _Group:
    """The control group whose memory limit holds for this process, as in a container."""

    def __init__(self, limit: Path, used: Path, stat: Path) -> None:
        self.limit, self._used, self._stat = _number(limit), used, stat

    @classmethod
    def of_this_process(cls) -> _Group | None:
        """Find it; None where there is none, or no limit."""
        with suppress(OSError, ValueError):
            for line in Path("/proc/self/cgroup").read_text().splitlines():
                _, kinds, path = line.split(":", 2)
                new = kinds == ""
                if not new and "memory" not in kinds.split(","):
                    continue
                top = GROUPS if new else GROUPS / "memory"
                names = ("memory.max", "memory.current") if new else (
                    "memory.limit_in_bytes", "memory.usage_in_bytes"
                )  # fmt: skip
                for folder in (top / path.lstrip("/"), top):
                    with suppress(OSError, ValueError):
                        return cls(*(folder / name for name in (*names, "memory.stat")))
        return None

    def left(self) -> float:
        """Return the bytes that can still be taken; files that are cached do not count."""
        with suppress(OSError, ValueError):
            lines = (line.split() for line in self._stat.read_text().splitlines())
            stat = {name: int(value) for name, value in lines}
            cached = stat.get("total_inactive_file", stat.get("inactive_file", 0))
            return self.limit - _number(self._used) + cached
        return float("inf")


def _number(path: Path) -> int:
    """Read a number of bytes; raises ValueError for `max`."""
    return int(path.read_text())


def _taken() -> int:
    """Return the bytes of memory of this process and its descendants."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total
