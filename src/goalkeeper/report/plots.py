"""Plots as inline SVG: a curve over the budget, a ROC curve, and the bracket of every goal.

matplotlib is imported only here and in `svg`, through its object interface. Colours become CSS
classes, so that a plot follows the theme of the page; text stays text. All text has a row or a
margin of its own, so that no label lies on another or on a curve.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from goalkeeper.core.assessment import Verdict
from goalkeeper.report import format as fmt
from goalkeeper.report.finding import Drawing
from goalkeeper.report.goalpart import GoalPart
from goalkeeper.report.language import N_, _, within_sentence, write_digits
from goalkeeper.report.palette import PEN, TONES
from goalkeeper.report.svg import WIDTH, inline_svg
from goalkeeper.report.words import level_name

_SETTINGS: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "goalkeeper",
    "text.parse_math": False,
    "axes.unicode_minus": False,
    "font.family": "sans-serif",
    "font.size": 12,
    "path.simplify": False,
}
FEW = 8  # up to this many points get a marker each
MOST_HEADROOM = 3  # multiple of the curve's maximum; the band is clipped there, and the key says so
DECADE = 10  # budgets with this ratio of largest to smallest get a logarithmic axis
DRAWN = 170.0  # height of the drawn area of a curve
LINE = 17.0  # height of a line of text
CHARACTER = 7.4  # width of a character, generously
PER_LINE = 52  # characters of a line of text
INTERVAL = N_("shaded: 95 % interval")


def curve(drawing: Drawing, key: str) -> str:
    """Draw a metric against the attacker's budget, with its band and baseline."""
    with _settings():
        figure = _draw_roc(drawing) if drawing.roc else _draw_curve(drawing)
        return inline_svg(figure, key, drawing.table.caption, _curve_in_words(drawing))


def overview(goals: tuple[GoalPart, ...], key: str) -> str:
    """Draw the bracket of exposure of every goal, with its critical level marked."""
    height = 58.0 * len(goals) + 34 + LINE
    with _settings():
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        axes = figure.add_axes((0.01, 28 / height, 0.98, 1 - (30 + LINE) / height))
        _frame(axes)
        axes.set_xlim(-0.5, 4.5)
        axes.set_ylim(len(goals) - 0.4, -0.6)
        axes.yaxis.set_major_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(list(range(5))))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, position: level_name(v)))
        axes.spines["bottom"].set_visible(False)
        figure.text(0.01, 1 - 12 / height, _("upright line: critical from here"), color=PEN["soft"])
        for row, part in enumerate(goals):
            _bracket(axes, row, part)
        said = _("{goal}: {verdict}, exposure {exposure}.")
        words = " ".join(
            said.format(goal=p.title, verdict=p.label.word, exposure=p.exposure) for p in goals
        )
        return inline_svg(figure, key, _("Exposure of every goal, and its critical level"), words)


# ---- curves --------------------------------------------------------------------------------------


def _draw_curve(drawing: Drawing) -> Figure:
    scale = fmt.scale_of(drawing.metric)
    x, value, low, high = _drawable(drawing, scale)
    based = [drawing.baseline * scale.factor] if math.isfinite(drawing.baseline) else []
    centre = max([*value, *based], default=1.0)
    top = max([centre, *high[np.isfinite(high)]])
    top = min(top, MOST_HEADROOM * centre) if centre > 0 else top
    bottom = min([0.0, *value, *low[np.isfinite(low)]])
    ends = (bottom, _upper_limit(top, scale))
    clipped = bool((high > ends[1]).any())
    key = [_("dashed: baseline")] if based else []
    if drawing.from_zero:
        key.append(_("at 0: without an attack"))
    key.append(_("shaded: 95 % interval, cut off") if clipped else _(INTERVAL))
    figure, axes = _start(drawing, "; ".join(key))
    axes.set_ylim(*ends)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda v, position: write_digits(f"{v:g}") + scale.unit)
    )
    _budget_axis(axes, x, fmt.scale_of(drawing.curve.budget))
    band = (np.clip(low, *ends), np.clip(high, *ends))
    axes.fill_between(x, *band, color=PEN["accent"], alpha=0.18, lw=0)
    marker = "o" if len(x) <= FEW else ""
    axes.plot(x, value, color=PEN["accent"], lw=2.2, marker=marker, ms=5.5, clip_on=False)
    for level in based:
        axes.axhline(level, color=PEN["soft"], lw=1.4, ls=(0, (5, 4)))
    return figure


def _draw_roc(drawing: Drawing) -> Figure:
    """Draw true-positive over false-positive rates on logarithmic axes, with guessing dashed."""
    x, value, low, high = _drawable(drawing, fmt.PERCENT)
    x = x * fmt.PERCENT.factor
    seen = np.concatenate([x, value[value > 0]])
    lowest = 10.0 ** math.floor(math.log10(seen.min())) if len(seen) else 1.0
    figure, axes = _start(drawing, _("dashed: guessing; shaded: 95 % interval"))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(lowest, 100)
    axes.set_ylim(lowest, 100)
    decades = [10.0**i for i in range(round(math.log10(lowest)), 3)]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(decades))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda v, position: write_digits(f"{v:g}") + " %"))
    axes.grid(color=PEN["line"], lw=1)
    _fit_margins(axes, [write_digits(f"{d:g}") + " %" for d in decades], "100 %")
    axes.plot([lowest, 100], [lowest, 100], color=PEN["soft"], lw=1.4, ls=(0, (5, 4)))
    band = (np.clip(low, lowest, 100), np.clip(high, lowest, 100))
    axes.fill_between(x, *band, color=PEN["accent"], alpha=0.18, lw=0)
    shown = value > 0
    axes.plot(x[shown], value[shown], color=PEN["accent"], lw=2.2)
    return figure


def _start(drawing: Drawing, key: str) -> tuple[Figure, Axes]:
    """Make a figure with a row for each text: the metric, the key, and below the budget."""
    above = [*textwrap.wrap(_plain(drawing.table.head[1]), PER_LINE)[:2], key]
    below = textwrap.wrap(_plain(drawing.table.head[0]), PER_LINE)[:2]
    bottom = 26 + LINE * len(below)
    height = bottom + DRAWN + LINE * len(above) + 10
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    axes = figure.add_axes((0.14, bottom / height, 0.8, DRAWN / height))
    _frame(axes)
    for row, line in enumerate(above):
        figure.text(0.005, 1 - (LINE * row + 13) / height, line, color=PEN["soft"])
    for row, line in enumerate(below):
        place = (bottom - 38 - LINE * row) / height
        figure.text(0.55, place, line, color=PEN["soft"], ha="center")
    return figure, axes


def _fit_margins(axes: Axes, labels: Sequence[str], last: str) -> None:
    """Leave room for the longest label on the left, and for half of the last one on the right."""
    left = 12 + CHARACTER * max(map(len, labels), default=0)
    right = 4 + CHARACTER * len(last) / 2
    box = axes.get_position()
    axes.set_position((left / WIDTH, box.y0, 1 - (left + right) / WIDTH, box.height))


# ---- parts of a drawing --------------------------------------------------------------------------


@contextmanager
def _settings() -> Iterator[None]:
    """Use the same settings on every machine, and restore those of the process."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def _frame(axes: Axes) -> None:
    axes.set_facecolor("none")
    axes.figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(PEN["line"])
    axes.tick_params(length=0, labelcolor=PEN["soft"], pad=7)
    axes.set_axisbelow(True)


def _drawable(drawing: Drawing, scale: fmt.Scale) -> tuple[np.ndarray, ...]:
    """Return the points that can be plotted; the table next to the plot has all of them."""
    columns = (drawing.curve.value, drawing.curve.low, drawing.curve.high)
    rows = np.array([drawing.curve.x, *columns], dtype=np.float64)
    rows = rows[:, np.isfinite(rows[:2]).all(axis=0)]
    rows[1:] *= scale.factor
    x, value, low, high = rows[:, np.argsort(rows[0], kind="stable")]
    return x, value, low, high


def _upper_limit(top: float, scale: fmt.Scale) -> float:
    limit = top * 1.12 if top > 0 else 1.0
    return min(limit, 102.0) if scale is fmt.PERCENT else limit


def _budget_axis(axes: Axes, x: np.ndarray, scale: fmt.Scale) -> None:
    positive = x[x > 0]
    wide = len(positive) > 1 and positive.max() / positive.min() >= DECADE
    if wide and x.min() > 0:
        axes.set_xscale("log")
    elif wide:
        axes.set_xscale("symlog", linthresh=float(positive.min()))
    axes.grid(axis="y", color=PEN["line"], lw=1, clip_on=False)
    labels = [fmt.budget(float(f"{v:.6g}"), scale) for v in x]
    ticks = [axes.yaxis.get_major_formatter()(v) for v in axes.yaxis.get_majorticklocs()]
    _fit_margins(axes, ticks, labels[-1] if labels else "")
    axes.xaxis.set_major_locator(FixedLocator(_tick_places(axes, x, labels)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda v, position: fmt.budget(float(f"{v:.6g}"), scale))
    )


def _tick_places(axes: Axes, x: np.ndarray, labels: Sequence[str]) -> list[float]:
    """Choose budgets to label on the axis: the last, the first, and others with enough room."""
    if not len(x):
        return []
    axes.set_xlim(*_limits(axes, x))
    places = axes.transData.transform(np.column_stack([x, np.zeros_like(x)]))[:, 0]
    places = places / axes.figure.dpi * 72
    half = [CHARACTER * len(label) / 2 + 5 for label in labels]

    def apart(i: int, j: int) -> bool:
        return bool(abs(places[i] - places[j]) >= half[i] + half[j])

    kept = [len(x) - 1]
    if apart(0, kept[0]):
        kept.append(0)
    for i in range(len(x) - 2, 0, -1):
        if all(apart(i, j) for j in kept):
            kept.append(i)
    return [float(x[i]) for i in sorted(kept)]


def _limits(axes: Axes, x: np.ndarray) -> tuple[float, float]:
    """Return limits that end at the last budget, so that its label keeps its margin."""
    if x.min() < x.max():
        return float(x.min()), float(x.max())
    low, high = axes.get_xlim()
    return low, high


def _bracket(axes: Axes, row: int, part: GoalPart) -> None:
    tone = PEN[TONES[part.verdict]]
    for side in np.arange(-0.5, 5):
        axes.plot([side, side], [row - 0.1, row + 0.3], color=PEN["line"], lw=1, zorder=0)
    axes.text(-0.45, row - 0.3, f"{part.title}: {part.label.word}", color=PEN["ink"], va="center")
    if row:
        axes.axhline(row - 0.58, color=PEN["line"], lw=1, zorder=0)
    if part.verdict is Verdict.NOT_ASSESSED:
        return
    y = row + 0.1
    low, high = part.bracket
    axes.plot([low, high], [y, y], color=tone, lw=5, alpha=0.45, solid_capstyle="butt")
    axes.plot([low], [y], "o", ms=10, mfc=tone, mec="none", mew=0)
    axes.plot([high], [y], "o", ms=15, mfc="none", mec=tone, mew=2)
    edge = part.critical - 0.5
    axes.plot([edge, edge], [row - 0.14, row + 0.34], color=PEN["ink"], lw=2.5)


def _plain(text: str) -> str:
    """Keep what every font has: Latin letters, among them those of our languages."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _curve_in_words(drawing: Drawing) -> str:
    rows = drawing.table.rows
    ends = [rows[0]] if len(rows) == 1 else [rows[0], rows[-1]]
    point = _("{value} ({interval}) at {x}")
    points = "; ".join(point.format(value=v, interval=around, x=x) for x, v, around in ends)
    return _("{metric} by {budget}: {points}.").format(
        metric=drawing.table.head[1], budget=within_sentence(drawing.table.head[0]), points=points
    )
