"""The exit codes of commands, in order of precedence."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; the comments are the text of the reference page."""

    USAGE = 4  # wrong usage, or an error in the description
    INTERRUPTED = 130  # Ctrl-C, or a full disk; the same command resumes
    FAILED = 2  # some attack, or goalkeeper itself, failed to run
    NOTHING = 3  # nothing was assessed: no attack was applicable, or every need is `none`
    NOT_MET = 1  # a goal is not met (see --fail-on); verify, store check: damage; compare: worse
    INCONCLUSIVE = 5  # some goals are inconclusive, and no goal is not met
    MET = 0  # every assessed goal is met
