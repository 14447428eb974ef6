"""Asking a target again on purpose."""

from __future__ import annotations

from goalkeeper.core.application import Target


def again(target: Target, occasion: str | None) -> Target:
    """Return a target that does not answer from memory what it was asked before.

    A service keeps its answers, so that no input is paid twice. What is asked again on purpose
    reaches it once for each occasion, and every time with None. Other targets keep no answers.
    """
    asked_again = getattr(target, "asked_again", None)
    found: Target = target if asked_again is None else asked_again(occasion)
    return found
