"""Numbers formatted for people: no more digits than the interval supports, infinity in words.

Nothing is calculated here: a number is scaled to its unit and rounded, no more.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from goalkeeper.core.evidence import Measurement

NO_UPPER = "no upper bound"
NO_LOWER = "no lower bound"
NO_VALUE = "no finite value"


@dataclass(frozen=True, slots=True)
class Scale:
    """How a metric is written: the factor of its unit, and the unit symbol."""

    factor: float = 1.0
    unit: str = ""


PLAIN = Scale()
PERCENT = Scale(100.0, " %")

_PERCENT = re.compile(
    r"(^|_)(rate|accuracy|share|gain|tpr|fpr|recall|precision|agreement"
    r"|fidelity)(_|$)"
)
_SHORT = {"tpr", "fpr", "roc", "auc"}
_METRICS = {
    "success_rate": "success rate",
    "tolerance_multiple": "damage, in multiples of the tolerance",
    "normalised_gain": "gain over guessing without access",
    "likelihood_ratio": "likelihood ratio",
    "distinguishing_accuracy": "accuracy at distinguishing two worlds",
    "latency_factor": "latency, in multiples of normal",
}


def metric_name(metric: str) -> str:
    """Return the name of a metric in words."""
    words = (w.upper() if w in _SHORT else w for w in metric.split("_"))
    return _METRICS.get(metric.replace(" ", "_"), " ".join(words))


def scale_of(metric: str) -> Scale:
    """Return how a metric or budget is written: shares in per cent, everything else as it is."""
    return PERCENT if _PERCENT.search(metric.replace(" ", "_")) else PLAIN


def has_baseline(metric: str) -> bool:
    """Return whether the metric has a baseline; a median over attacked inputs has none."""
    return not metric.startswith("median")


# ---- rounding ------------------------------------------------------------------------------------


def places(low: float, high: float, value: float, scale: Scale = PLAIN) -> int:
    """Count the decimals that an interval supports: its width is at least eight last digits."""
    ends = [v * scale.factor for v in (low, high, value) if math.isfinite(v)]
    width = max(ends) - min(ends) if ends else 0.0
    if width > 0:
        return max(-9, min(4, -math.floor(math.log10(width / 8) + 1e-9)))
    return _significant_decimals(max(ends, default=0.0))


def readable_places(low: float, high: float, value: float, scale: Scale = PLAIN) -> int:
    """Count the decimals that an interval supports, but so many that the value is a number."""
    digits = places(low, high, value, scale)
    while digits < 2 and math.isfinite(value) and _hides(value, digits, scale):
        digits += 1
    return digits


def _hides(value: float, digits: int, scale: Scale) -> bool:
    return number(value, digits, scale).startswith(("below", "above"))


def _significant_decimals(value: float) -> int:
    """Count the decimals of a number without an interval: three digits, without trailing zeros."""
    if value == 0:
        return 0
    most = max(0, min(6, 2 - math.floor(math.log10(abs(value)))))
    exact = (d for d in range(most) if abs(round(value, d) - value) <= abs(value) * 1e-9)
    return next(exact, most)


def number(value: float, digits: int, scale: Scale = PLAIN) -> str:
    """Write a number with `digits` decimals and no unit; never round to exactly 0 or 100 %."""
    if math.isinf(value):
        return NO_VALUE
    scaled = value * scale.factor
    unit = 10.0**-digits
    shown = round(scaled, digits)
    decimals = max(0, digits)
    if shown == 0 and scaled != 0 and abs(scaled) > 1e-12:
        return f"{'below' if scaled > 0 else 'above'} {math.copysign(unit, scaled):,.{decimals}f}"
    if scale is PERCENT and shown == 100 and scaled < 100 - 1e-9:
        return f"above {100 - unit:,.{decimals}f}"
    return f"{shown + 0.0:,.{decimals}f}"


def quantity(value: float, digits: int, scale: Scale) -> str:
    """Write a number with its unit."""
    return NO_VALUE if math.isinf(value) else number(value, digits, scale) + scale.unit


def percent(value: float) -> str:
    """Write a share that has no interval, with up to three digits."""
    return quantity(value, _significant_decimals(value * PERCENT.factor), PERCENT)


def interval(low: float, high: float, digits: int, scale: Scale) -> str:
    """Write `57 to 67 %`; a bound at infinity in words."""
    if math.isinf(low) and math.isinf(high):
        return f"{NO_LOWER}, {NO_UPPER}"
    if math.isinf(high):
        return f"{quantity(low, digits, scale)} or more, {NO_UPPER}"
    if math.isinf(low):
        return f"{quantity(high, digits, scale)} or less, {NO_LOWER}"
    least = number(low, decimals_above_zero(low, digits, scale), scale)
    return f"{least} to {quantity(high, digits, scale)}"


def decimals_above_zero(value: float, digits: int, scale: Scale) -> int:
    """Count the decimals at which a nonzero number no longer rounds to zero."""
    scaled = value * scale.factor
    while digits < 4 and abs(scaled) > 1e-12 and round(scaled, digits) == 0:
        digits += 1
    return digits


@dataclass(frozen=True, slots=True)
class Numbers:
    """A measurement in words: value, interval, baseline (empty if it has none) and n."""

    value: str
    interval: str
    baseline: str
    n: str

    def __str__(self) -> str:
        baseline = f"baseline {self.baseline}, " if self.baseline else ""
        return f"{self.value} ({self.interval}), {baseline}{self.n}"


def measurement(m: Measurement) -> Numbers:
    """Write a measurement: `62 % (57 to 67 %), baseline 2 %, n = 400`."""
    scale = scale_of(m.metric)
    digits = places(m.low, m.high, m.value, scale)
    if scale is PLAIN:
        digits = readable_places(m.low, m.high, m.value, scale)
    return Numbers(
        quantity(m.value, digits, scale),
        interval(m.low, m.high, digits, scale),
        baseline(m.baseline, digits, scale) if has_baseline(m.metric) else "",
        f"n = {m.n:,}",
    )


def baseline(value: float, digits: int, scale: Scale) -> str:
    """Write a baseline with as many decimals as the value beside it, none of which is zero."""
    if scale is PERCENT and value in (0, 1):
        digits = 0
    return quantity(value, decimals_above_zero(value, digits, scale), scale)


def value_and_interval(low: float, high: float, value: float, metric: str) -> tuple[str, str]:
    """Write a value and its interval: `("62 %", "57 to 67 %")`."""
    scale = scale_of(metric)
    digits = places(low, high, value, scale)
    return quantity(value, digits, scale), interval(low, high, digits, scale)


# ---- counts, time, levels ------------------------------------------------------------------------


def count(value: float) -> str:
    """Write a count, with `unlimited` for infinity."""
    if math.isinf(value):
        return "unlimited"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3g}"


def budget(value: float, scale: Scale) -> str:
    """Write a budget: a count, or a share in per cent with two digits."""
    if scale is PLAIN or not 0 < value < math.inf:
        return count(value) if scale is PLAIN else percent(value)
    return f"{float(f'{value * scale.factor:.2g}'):g}{scale.unit}"


def budget_name(name: str, unit: str) -> str:
    """Name a budget and its unit, without repeating a word."""
    if not unit or set(unit.split()) <= set(name.split()):
        return name
    if unit.startswith(name):
        return unit
    joined = f"{name} {unit}"
    return joined if unit.startswith(("of ", "per ", "in ")) else f"{name} ({unit})"


def points(value: float, none: str) -> str:
    """Write points of attack potential; `none` says what their absence means."""
    if math.isinf(value):
        return none
    return f"{count(value)} point" if value == 1 else f"{count(value)} points"


def duration(seconds: float) -> str:
    """Write a duration in its largest suitable unit."""
    if math.isinf(seconds):
        return "unlimited time"
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds" if seconds >= 10 else f"{seconds:.1f} seconds"


def days(value: float) -> str:
    """Write elapsed days, coarsely: they are an estimate."""
    if math.isinf(value):
        return "unlimited"
    if value < 1 / 24:
        return "less than an hour"
    if value < 2:
        hours = f"{value * 24:.0f}"
        return "1 hour" if hours == "1" else f"{hours} hours"
    return f"{value:,.0f} days"


def levels(low: float, high: float) -> str:
    """Write a bracket of levels: `2` or `1 to 3`."""
    return count(low) if low == high else f"{count(low)} to {count(high)}"


# ---- untrusted text ------------------------------------------------------------------------------

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def escape_invisible(text: str) -> str:
    """Write characters that hide, reorder or control text as `<U+202E>`; keep newlines and tabs."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"<U+{ord(c):04X}>" if unicodedata.category(c) in _HIDDEN and c not in "\n\t" else c
        for c in text
    )


def truncate(text: str, most: int = 1_200) -> str:
    """Truncate a long text, and mark that it was truncated."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n[truncated; the full text has {len(text):,} characters]"


def sentence_case(text: str) -> str:
    """Capitalise the first letter only."""
    return text[:1].upper() + text[1:]


def join_words(items: tuple[str, ...]) -> str:
    """Join words: `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
