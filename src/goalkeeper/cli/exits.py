"""What the exit code of a command means, strongest first."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; documented in docs/reference."""

    USAGE = 4  # a usage or description error
    INTERRUPTED = 130  # Ctrl-C, or a full disk; the same command resumes
    FAILED = 2  # some attack, or goalkeeper itself, failed to run
    NOTHING = 3  # nothing applicable, nothing ran
    NOT_MET = 1  # a goal is not met (or what --fail-on says); verify, store check: damage
    INCONCLUSIVE = 5  # no goal is not met, but some are inconclusive
    MET = 0  # every assessed goal is met
