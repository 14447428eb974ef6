"""Run jobs in this process: for debugging, and for a single core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from goalkeeper.compute.executor import Job, Limits, Outcome, Worker
from goalkeeper.compute.feed import Feed


class InlineExecutor:
    """One job after the other. What kills a job kills the run.

    Of the limits only `until` is kept, and only between jobs: a running one has to end itself.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def run(self, jobs: Iterable[Job | None]) -> Iterator[Outcome]:
        """Yield an outcome for every job that was begun, in order."""
        worker, feed = Worker(), Feed(jobs, self._limits.until)
        while True:
            feed.fill(1)
            taken = feed.take(worker.group)
            if taken is None:
                break
            yield worker.perform(taken[0])
        yield from feed.finish()
