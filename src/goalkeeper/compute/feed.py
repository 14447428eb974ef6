"""The jobs of a run as free workers take them: known from the start, or found on the way."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence

from goalkeeper.compute.executor import UNLIMITED, Job, Outcome

OVER = (
    "the time of the run was over before it ended; the same command runs it again, with more time "
    "(--time)"
)
STUCK = (
    "no job is running and the iterator of jobs has nothing to do now, so that nothing would ever "
    "change; let it end, or give a job"
)


class Feed:
    """What waits, and an iterator that may have more.

    Of a sequence all jobs wait from the start. An iterator is asked for its next job only when a
    worker is free, so that it can decide by the outcomes that were yielded before. None says that
    there is nothing now: it is asked again after the next outcome.

    Parameters
    ----------
    jobs
        A sequence, or an iterator.
    until
        The time (seconds since the epoch) after which no job is handed out.
    """

    def __init__(self, jobs: Iterable[Job | None], until: float = UNLIMITED) -> None:
        known = jobs if isinstance(jobs, Sequence) else ()
        self._waiting = [(job, 1) for job in known if job is not None]
        self._more = iter(() if isinstance(jobs, Sequence) else jobs)
        self._ended, self._until = False, until

    @property
    def over(self) -> bool:
        """Whether the time of the run is over."""
        return time.time() >= self._until

    def fill(self, free: int) -> None:
        """Ask for jobs until one waits for each free worker, or there is nothing more now."""
        while len(self._waiting) < free and not (self.over or self._ended):
            try:
                job = next(self._more)
            except StopIteration:
                self._ended = True
                return
            if job is None:
                return
            self._waiting.append((job, 1))

    def again(self, job: Job) -> None:
        """Put a job in front whose worker died, for its second attempt."""
        self._waiting.insert(0, (job, 2))

    def has(self, group: str) -> bool:
        """Tell whether a job of this group waits."""
        return bool(group) and any(job.group == group for job, _ in self._waiting)

    def take(self, last: str = "", held: Collection[str] = ()) -> tuple[Job, int] | None:
        """Return a job for a free worker, and which attempt this is; None: nothing now.

        It is one of the worker's own group, else of a group that no other worker has, else the
        first.

        Parameters
        ----------
        last
            The group of the job that this worker ran before; empty for none.
        held
            The groups of the jobs that other workers run, or ran last.
        """
        if self.over or not self._waiting:
            return None
        groups = [job.group for job, _ in self._waiting]
        if self.has(last):
            return self._waiting.pop(groups.index(last))
        apart = (i for i, group in enumerate(groups) if not group or group not in held)
        return self._waiting.pop(next(apart, 0))

    def finish(self) -> list[Outcome]:
        """End a run in which no job runs; return outcomes of jobs that had begun and were to again.

        Raises
        ------
        RuntimeError
            It is not at its end: its iterator waits for an outcome, and there will be none.
        """
        if not (self.over or self._ended):
            raise RuntimeError(STUCK)
        return [out_of_time(job) for job, attempt in self._waiting if attempt > 1]


def out_of_time(job: Job, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a job that the end of the run's time stopped."""
    return Outcome(id=job.id, status="stopped", error=OVER, seconds=seconds, limited=True)
