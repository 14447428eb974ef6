"""What the exhaustion game shows: factors, times, and what limits them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goalkeeper.core.answer_costs import CostUnit
from goalkeeper.core.application import Application
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.evidence import Exhibit, Latency, Measurement, Trial
from goalkeeper.games.exhaustion.costs import KindCosts, Screening
from goalkeeper.games.exhaustion.question import InputKind
from goalkeeper.games.shared.measuring import build_measurement
from goalkeeper.games.tallies import estimate_tally
from goalkeeper.stats.latency import latency_factor, quantile_bounds


def measure(kind: str, costs: KindCosts, metric: str) -> tuple[Measurement, ...]:
    """Measure the slowest kind against ordinary inputs as they are."""
    tally = costs.tally
    n, q = len(tally.attack), tally.quantile
    which = "median" if q == 0.5 else f"quantile {q:g}"
    headline = build_measurement(
        metric,
        estimate_tally(tally),
        n,
        1.0,
        note=f"{which} of {kind} over that of ordinary inputs and of reading the larger text, in "
        f"{tally.unit}",
    )
    over_ordinary = build_measurement(
        "latency over ordinary inputs",
        latency_factor(costs.attack, costs.ordinary, q=q, alpha=0.025),
        n,
        1.0,
        note="without the time of reading the larger text",
    )
    absolute = [
        _measure_median(name, values, tally.unit)
        for name, values in (
            (kind, costs.attack),
            ("ordinary inputs", costs.ordinary),
        )
    ]
    return (headline, over_ordinary, *absolute)


def _measure_median(group: str, costs: Floats, unit: CostUnit) -> Measurement:
    low, high = quantile_bounds(costs, 0.5)
    scale = _scale(unit)
    return build_measurement(
        f"median {'milliseconds' if unit == 'seconds' else unit} per answer",
        (float(np.median(costs)) * scale, low * scale, high * scale),
        len(costs),
        group=group,
        note="measured on the machine that ran this" if unit == "seconds" else "counted",
    )


def _scale(unit: CostUnit) -> float:
    return 1000.0 if unit == "seconds" else 1.0


def measure_kinds(names: Sequence[str], screening: Screening) -> list[Measurement]:
    """Measure each kind on the few inputs by which the slowest was found, the slowest first."""
    found = [
        build_measurement(
            "latency by kind",
            latency_factor(costs, screening.ordinary + screening.reading[k], alpha=0.025),
            len(costs),
            1.0,
            group=names[k],
            note="on the few inputs by which the slowest kind was found",
        )
        for k, costs in enumerate(screening.costs)
        if len(costs) and len(screening.ordinary)
    ]
    return sorted(found, key=lambda one: -one.value)


def summarise(kind: str, costs: KindCosts, trial: Trial) -> str:
    """Say in a sentence how slow the slowest kind is."""
    tally = costs.tally
    value, low, high = estimate_tally(tally)
    scale = _scale(tally.unit)
    slow, ordinary = (float(np.median(c)) * scale for c in (costs.attack, costs.ordinary))
    unit = "ms" if tally.unit == "seconds" else "operations"
    span = (
        f"{_format_factor(low)} to {_format_factor(high)}"
        if np.isfinite(high)
        else "no upper bound"
    )
    prefix = " no kind is significantly slower:" if low <= 1 else ""
    read = f" and {costs.reading * scale:.3g} {unit} of reading" if costs.reading else ""
    return (
        f"After {trial.queries:,.0f} queries per input{prefix} the slowest kind ({kind}) takes "
        f"{_format_factor(value)} times as long as ordinary inputs ({span}): "
        f"{slow:.3g} vs {ordinary:.3g} {unit}{read}."
    )


def _format_factor(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def list_caveats(tally: Latency, app: Application, size: int) -> tuple[str, ...]:
    """List what limits the figures."""
    caveats = []
    if tally.unit == "seconds":
        caveats.append(
            "times were measured on the machine that ran goalkeeper; another run with the same "
            "seed gives other times, and may name another of several kinds that are equally slow"
        )
    caveats.append("only the model's own answering is timed: no network, queue or front end")
    if tally.quantile == 0.5:
        caveats.append(
            f"medians of {len(tally.attack)} inputs are compared; they are too few for the 99th "
            "percentile"
        )
    if isinstance(app.domain, TextDomain) and size < app.domain.max_chars:
        caveats.append(
            f"texts of up to {size:,} characters were tried; the application takes "
            f"{app.domain.max_chars:,}"
        )
    return tuple(caveats)


def show_example(kind: InputKind, row: int) -> Exhibit:
    """Show the beginning of a slow input."""
    first = kind.x[row]
    text = first if isinstance(first, str) else np.array2string(first.reshape(-1)[:12], precision=4)
    return Exhibit(title=f"a slow input: {kind.name}", after=text[:300], note="its beginning")
