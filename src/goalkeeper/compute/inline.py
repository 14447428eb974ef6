"""Run jobs in this process: for debugging, and for a single core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goalkeeper.compute.executor import Job, Outcome, Worker


class InlineExecutor:
    """One job after the other. No limit can be kept, and what kills a job kills the run."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield an outcome for every job, in order."""
        worker = Worker()
        for job in jobs:
            yield worker.perform(job)
