"""The exit codes of commands, in order of precedence."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from goalkeeper.core.assessment import Assessment


class Exit(IntEnum):
    """Exit codes; the comments are the text of the reference page."""

    USAGE = 4  # wrong usage, or an error in the description
    INTERRUPTED = 130  # Ctrl-C, or a full disk; the same command resumes
    FAILED = 2  # some attack, or goalkeeper itself, failed to run
    NOTHING = 3  # nothing was assessed: no attack was applicable, or every need is `none`
    NOT_MET = 1  # a goal is not met; verify, sign, store check: damage; compare: worse
    INCONCLUSIVE = 5  # some goals are inconclusive; for verify: not all was compared
    MET = 0  # at least one goal was assessed, and every assessed goal is met


class FailOn(StrEnum):
    """What makes the exit code 1."""

    NOT_MET = "not-met"
    INCONCLUSIVE = "inconclusive"
    NEVER = "never"


Gate = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on",
        help="Return the exit code of the verdicts, as goalkeeper run does: 1 for not-met, or for "
        "inconclusive (or not-met), or never; default: 0 whatever the verdicts.",
        show_default=False,
    ),
]


def choose_exit_code(assessment: Assessment, fail_on: FailOn = FailOn.NOT_MET) -> Exit:
    """Choose the strongest exit code that applies."""
    from goalkeeper.core.assessment import Verdict
    from goalkeeper.core.evidence import Status

    result = [e for e in assessment.evidence if e.unit]
    if any(e.status is Status.FAILED_TO_RUN for e in result):
        return Exit.FAILED
    verdicts = {rating.verdict for rating in assessment.goals.values()}
    if not result or verdicts <= {Verdict.NOT_ASSESSED}:
        return Exit.NOTHING
    bad = {
        FailOn.NOT_MET: {Verdict.NOT_MET},
        FailOn.INCONCLUSIVE: {Verdict.NOT_MET, Verdict.INCONCLUSIVE},
        FailOn.NEVER: set[Verdict](),
    }[fail_on]
    if verdicts & bad:
        return Exit.NOT_MET
    if fail_on is FailOn.NEVER:
        return Exit.MET
    return Exit.INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts else Exit.MET


def gate(assessment: Assessment, fail_on: FailOn | None) -> None:
    """End with the exit code of the verdicts, if that was asked for."""
    if fail_on is not None:
        raise typer.Exit(choose_exit_code(assessment, fail_on))
