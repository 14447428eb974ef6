"""What a service was asked, and what a plan will ask of it, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goalkeeper.assessing import Session
    from goalkeeper.core.application import Application


def describe_asked(app: Application) -> Iterator[str]:
    """Say how much was asked of the service so far; nothing for other targets."""
    service: Any = getattr(app.target, "service", None)
    if service is None:
        return
    spent, limits = service.spent, service.limits
    cost = limits.cost(spent.requests, spent.inputs)
    price = f", price {cost:.2f}" if limits.price else ""
    yield (
        f"the service was asked {spent.inputs:,} inputs in {spent.requests:,} requests{price}; "
        f"a request takes {1000 * service.seconds[1]:.0f} ms"
    )


def describe_service(session: Session) -> Iterator[str]:
    """Say what a plan will ask of the service and what that costs; nothing for other targets."""
    from goalkeeper.estimate import estimate_service

    app = session.app
    expected = estimate_service(app, session.plan.units)
    if expected is None:
        return
    yield from describe_asked(app)
    least, most = expected.requests
    words = f"the plan asks it about {expected.inputs:,.0f} inputs, {least:,.0f} to {most:,.0f} "
    limits = app.target.service.limits  # type: ignore[attr-defined]
    words += f"requests (budget: {_amount(limits.budget, ',.0f')})"
    if limits.price:
        low, high = expected.price
        words += f", price {low:.2f} to {high:.2f} (cap: {_amount(limits.cap, '.2f')})"
    yield words
    if expected.exceeds:
        yield f"warning: {expected.exceeds}; choose a smaller --effort, or raise it"


def _amount(number: float, pattern: str) -> str:
    return "none" if number == float("inf") else format(number, pattern)
