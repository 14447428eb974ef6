"""What attacks on the same question say of one another."""

from __future__ import annotations

from collections.abc import Sequence

from goalkeeper.core.evidence import Evidence, Proportion, Status

FAMILY = "evasion"
MIN_EXCESS = 0.05  # share of the inputs by which the weaker view must do better
MIN_INPUTS = 3


def join_evidence(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Fail the evidence of attacks that follow gradients where one that sees less does better.

    All attacks of a task are asked about the same inputs, within the same limits. Whoever holds
    the network and its gradients can do all that others can; if an attack that sees labels, scores
    or nothing breaks clearly more inputs, gradients are masked (Athalye, Carlini, Wagner 2018).
    What such a run covered is then not tested.
    """
    judged = [_judged(each, evidence) for each in evidence]
    tested = {each.id for each in judged if each.status is Status.TESTED}
    return [_uncovered(each) if each.covered_by not in tested else each for each in judged]


def _uncovered(one: Evidence) -> Evidence:
    """Return evidence that a stronger attacker's run covered, which shows nothing any more."""
    if one.status is not Status.COVERED:
        return one
    reason = "the run of the stronger attacker, which was to cover this one, proves nothing"
    result = one.result.model_copy(update={"status": Status.NOT_TESTED, "reason": reason})
    return one.model_copy(update={"result": result, "covered_by": ""})


def _judged(one: Evidence, others: Sequence[Evidence]) -> Evidence:
    mine = _tally(one)
    if mine is None or one.requires.view != "gradients":
        return one
    for other in others:
        theirs = _tally(other)
        same = (other.task, other.result.threat) == (one.task, one.result.threat)
        if theirs is None or not same or other.requires.view == "gradients":
            continue
        if _does_better(theirs, mine):
            reason = (
                f"gradients are masked: {other.attack}, which follows none, breaks "
                f"{theirs.successes} of {theirs.n} of the same inputs, this attack "
                f"{mine.successes} of {mine.n}"
            )
            result = one.result.model_copy(
                update={"status": Status.CONTROL_FAILED, "reason": reason}
            )
            return one.model_copy(update={"result": result})
    return one


def _does_better(theirs: Proportion, mine: Proportion) -> bool:
    """Return whether the weaker view breaks clearly more inputs.

    Where one of both was settled by its first look, its inputs are the first of the other's. The
    excess is then counted in inputs of the smaller sample.
    """
    if not theirs.n or not mine.n:
        return False
    n = min(theirs.n, mine.n)
    excess = n * theirs.successes / theirs.n - n * mine.successes / mine.n
    return excess >= max(MIN_INPUTS, MIN_EXCESS * n)


def _tally(evidence: Evidence) -> Proportion | None:
    """Return the counts at the largest budget of an evasion attack that was tested."""
    trials = sorted(evidence.result.trials, key=lambda trial: trial.budget)
    if evidence.family != FAMILY or evidence.status is not Status.TESTED or not trials:
        return None
    tally = trials[-1].tally
    return tally if isinstance(tally, Proportion) else None
