"""Numbers formatted for people: no more digits than the interval supports, infinity in words.

Nothing is calculated here: a number is scaled to its unit and rounded, no more.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from goalkeeper.core.evidence import Measurement
from goalkeeper.report.language import N_, _, ngettext, write_digits

NO_UPPER = N_("no upper bound")
NO_LOWER = N_("no lower bound")
NO_VALUE = N_("no finite value")


@dataclass(frozen=True, slots=True)
class Scale:
    """How a metric is written: the factor of its unit, and the unit symbol."""

    factor: float = 1.0
    unit: str = ""


PLAIN = Scale()
PERCENT = Scale(100.0, " %")
TIED = re.compile(r"\d %|\bn = \d|\bLinf \d|\bL2 \d")

_PERCENT = re.compile(
    r"(^|_)(rate|accuracy|share|gain|tpr|fpr|recall|precision|agreement"
    r"|fidelity)(_|$)"
)
_SHORT = {"tpr", "fpr", "roc", "auc"}
_METRICS = {
    "success_rate": N_("success rate"),
    "tolerance_multiple": N_("damage, in multiples of the tolerance"),
    "normalised_gain": N_("gain over guessing without access"),
    "likelihood_ratio": N_("likelihood ratio"),
    "distinguishing_accuracy": N_("accuracy at distinguishing two worlds"),
    "latency_factor": N_("latency, in multiples of normal"),
}


def metric_name(metric: str) -> str:
    """Return the name of a metric in words."""
    words = (w.upper() if w in _SHORT else w for w in metric.split("_"))
    return _(_METRICS.get(metric.replace(" ", "_"), " ".join(words)))


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
    """Return whether rounding would leave no number: only that it is below or above another."""
    scaled = value * scale.factor
    shown = round(scaled, digits)
    almost_all = scale is PERCENT and shown == 100 and scaled < 100 - 1e-9
    return almost_all or (shown == 0 and abs(scaled) > 1e-12)


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
        return _(NO_VALUE)
    scaled = value * scale.factor
    unit = 10.0**-digits
    shown = round(scaled, digits)
    decimals = max(0, digits)
    if shown == 0 and scaled != 0 and abs(scaled) > 1e-12:
        side = _("below {number}") if scaled > 0 else _("above {number}")
        return side.format(number=_digits(math.copysign(unit, scaled), decimals))
    if scale is PERCENT and shown == 100 and scaled < 100 - 1e-9:
        return _("above {number}").format(number=_digits(100 - unit, decimals))
    return _digits(shown + 0.0, decimals)


def _digits(value: float, decimals: int) -> str:
    return write_digits(f"{value:,.{decimals}f}")


def quantity(value: float, digits: int, scale: Scale) -> str:
    """Write a number with its unit."""
    return _(NO_VALUE) if math.isinf(value) else number(value, digits, scale) + scale.unit


def percent(value: float) -> str:
    """Write a share that has no interval, with up to three digits."""
    return quantity(value, _significant_decimals(value * PERCENT.factor), PERCENT)


def interval(low: float, high: float, digits: int, scale: Scale) -> str:
    """Write `57 to 67 %`; a bound at infinity in words."""
    if math.isinf(low) and math.isinf(high):
        return f"{_(NO_LOWER)}, {_(NO_UPPER)}"
    if math.isinf(high):
        return _("{low} or more, no upper bound").format(low=quantity(low, digits, scale))
    if math.isinf(low):
        return _("{high} or less, no lower bound").format(high=quantity(high, digits, scale))
    least = number(low, decimals_above_zero(low, digits, scale), scale)
    return _("{low} to {high}").format(low=least, high=quantity(high, digits, scale))


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
        if not self.baseline:
            return f"{self.value} ({self.interval}), {self.n}"
        return _("{value} ({interval}), baseline {baseline}, {n}").format(
            value=self.value, interval=self.interval, baseline=self.baseline, n=self.n
        )


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
        f"n = {count(m.n)}",
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
        return _("unlimited")
    return write_digits(f"{value:,.0f}" if value == round(value) else f"{value:,.3g}")


def budget(value: float, scale: Scale) -> str:
    """Write a budget: a count, or a share in per cent with two digits."""
    if scale is PLAIN or not 0 < value < math.inf:
        return count(value) if scale is PLAIN else percent(value)
    return write_digits(f"{float(f'{value * scale.factor:.2g}'):g}") + scale.unit


def budget_name(name: str, unit: str) -> str:
    """Name a budget and its unit, without repeating a word."""
    if not unit or set(unit.split()) <= set(name.split()):
        return _(name)
    if unit.startswith(name):
        return _(unit)
    if unit.startswith(("of ", "per ", "in ")):
        return _(f"{name} {unit}")
    return f"{_(name)} ({_(unit)})"


def points(value: float, none: str) -> str:
    """Write points of attack potential; `none` says what their absence means."""
    if math.isinf(value):
        return none
    return ngettext("{n} point", "{n} points", value).format(n=count(value))


def duration(seconds: float) -> str:
    """Write a duration in its largest suitable unit."""
    if math.isinf(seconds):
        return _("unlimited time")
    units = ((86_400, _("{n} days")), (3_600, _("{n} hours")), (60, _("{n} minutes")))
    for size, unit in units:
        if seconds >= 2 * size:
            return unit.format(n=_digits(seconds / size, 0))
    return _("{n} seconds").format(n=_digits(seconds, 0 if seconds >= 10 else 1))


def days(value: float) -> str:
    """Write elapsed days, coarsely: they are an estimate."""
    if math.isinf(value):
        return _("unlimited")
    if value < 1 / 24:
        return _("less than an hour")
    if value < 2:
        hours = round(value * 24)
        return ngettext("{n} hour", "{n} hours", hours).format(n=hours)
    return _("{n} days").format(n=_digits(value, 0))


def levels(low: float, high: float) -> str:
    """Write a bracket of levels: `2` or `1 to 3`."""
    if low == high:
        return count(low)
    return _("{low} to {high}").format(low=count(low), high=count(high))


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
    note = _("[truncated; the full text has {n} characters]").format(n=count(len(text)))
    return f"{text[:most]}\n{note}"


def sentence_case(text: str) -> str:
    """Capitalise the first letter only."""
    return text[:1].upper() + text[1:]


def join_words(items: tuple[str, ...]) -> str:
    """Join words: `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return _("{first} and {last}").format(first=", ".join(items[:-1]), last=items[-1])


def tie(text: str, space: str = "\N{NO-BREAK SPACE}") -> str:
    """Keep a number on one line with its unit, and with the name of what it counts."""
    return TIED.sub(lambda found: found[0].replace(" ", space), text)
