"""Plots as inline SVG: a curve over the budget, and the bracket of every goal.

matplotlib is imported only here, through its object interface. Colours become CSS classes, so that
a plot follows the theme of the page; text stays text.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from goalkeeper.core.assessment import Verdict
from goalkeeper.report import format as fmt
from goalkeeper.report.finding import Drawing
from goalkeeper.report.goalpart import GoalPart
from goalkeeper.report.palette import PEN, STAND_IN, TONES
from goalkeeper.report.words import LEVELS

_SETTINGS: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "goalkeeper",
    "text.parse_math": False,
    "axes.unicode_minus": False,
    "font.family": "sans-serif",
    "font.size": 12,
    "path.simplify": False,
}
_WIDTH = 400.0
FEW = 8  # up to this many points get a marker each
MOST_HEADROOM = 3  # multiple of the curve's maximum; the band is clipped there, with a label
DECADE = 10  # budgets with this ratio of largest to smallest get a logarithmic axis
_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def curve(drawing: Drawing, key: str) -> str:
    """Draw a metric against the attacker's budget, with its band and baseline."""
    scale = fmt.scale_of(drawing.metric)
    x, value, low, high = _drawable(drawing, scale)
    with _settings():
        figure = Figure(figsize=(_WIDTH / 72, 250 / 72))
        axes = figure.add_axes((0.14, 0.21, 0.83, 0.67))
        _frame(axes)
        based = [drawing.baseline * scale.factor] if math.isfinite(drawing.baseline) else []
        centre = max([*value, *based], default=1.0)
        top = max([centre, *high[np.isfinite(high)]])
        top = min(top, MOST_HEADROOM * centre) if centre > 0 else top
        bottom = min([0.0, *value, *low[np.isfinite(low)]])
        axes.set_ylim(bottom, _upper_limit(top, scale))
        _budget_axis(axes, x, fmt.scale_of(drawing.curve.budget))
        ends = axes.get_ylim()
        band = (np.clip(low, *ends), np.clip(high, *ends))
        axes.fill_between(x, *band, color=PEN["accent"], alpha=0.18, lw=0)
        if (high > ends[1]).any():
            _label_above(axes, "interval continues")
        marker = "o" if len(x) <= FEW else ""
        axes.plot(x, value, color=PEN["accent"], lw=2.2, marker=marker, ms=5.5, clip_on=False)
        for level in based:
            _baseline(axes, level)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}{scale.unit}"))
        axes.set_xlabel(_plain(drawing.table.head[0]), color=PEN["soft"])
        figure.text(0.005, 0.94, _plain(drawing.table.head[1]), color=PEN["soft"])
        return _svg(figure, key, drawing.table.caption, _curve_in_words(drawing))


def overview(goals: tuple[GoalPart, ...], key: str) -> str:
    """Draw the bracket of exposure of every goal, with its critical level marked."""
    height = 58.0 * len(goals) + 34
    with _settings():
        figure = Figure(figsize=(_WIDTH / 72, height / 72))
        axes = figure.add_axes((0.01, 28 / height, 0.98, 1 - 30 / height))
        _frame(axes)
        axes.set_xlim(-0.5, 4.5)
        axes.set_ylim(len(goals) - 0.4, -0.6)
        axes.yaxis.set_major_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(list(range(5))))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: LEVELS[int(v)]))
        axes.spines["bottom"].set_visible(False)
        for row, part in enumerate(goals):
            _bracket(axes, row, part)
        words = " ".join(f"{p.title}: {p.label.word}, exposure {p.exposure}." for p in goals)
        return _svg(figure, key, "Exposure of every goal, and its critical level", words)


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
    axes.xaxis.set_major_locator(FixedLocator(_tick_places(axes, x)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: fmt.budget(float(f"{v:.6g}"), scale)))


def _tick_places(axes: Axes, x: np.ndarray) -> list[float]:
    """Choose budgets to label on the axis: the last, and others with enough distance."""
    places = axes.transData.transform(np.column_stack([x, np.zeros_like(x)]))[:, 0]
    gap = 0.16 * (places.max() - places.min())
    kept = [len(x) - 1]
    for i in range(len(x) - 2, -1, -1):
        if places[kept[-1]] - places[i] >= gap:
            kept.append(i)
    return [float(x[i]) for i in kept]


def _label_above(axes: Axes, text: str) -> None:
    axes.annotate(
        text,
        (1, 1),
        xytext=(0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        color=PEN["soft"],
    )


def _baseline(axes: Axes, level: float) -> None:
    axes.axhline(level, color=PEN["soft"], lw=1.4, ls=(0, (5, 4)))
    axes.annotate(
        "baseline",
        (1, level),
        xytext=(0, 5),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        color=PEN["soft"],
    )


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
    if row == 0:
        axes.text(edge + 0.06, row - 0.3, "critical from here", color=PEN["soft"], va="center")


def _plain(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def _curve_in_words(drawing: Drawing) -> str:
    rows = drawing.table.rows
    ends = [rows[0]] if len(rows) == 1 else [rows[0], rows[-1]]
    points = "; ".join(f"{value} ({around}) at {x}" for x, value, around in ends)
    return f"{drawing.table.head[1]} by {drawing.table.head[0].lower()}: {points}."


# ---- from matplotlib's file to inline SVG --------------------------------------------------------


def _svg(figure: Figure, key: str, title: str, description: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=_METADATA)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - written by matplotlib a moment ago
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", buffer.getvalue()))
    _tidy(root, {name: f"{key}-{i}" for i, name in enumerate(sorted(used))})
    for attribute in ("height", "version"):
        root.attrib.pop(attribute, None)
    names = f"{key}-title {key}-desc"
    root.attrib |= {"width": f"{_WIDTH:.0f}", "class": "plot", "role": "img"}
    root.attrib["aria-labelledby"] = names
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ET.Element(tag, {"id": f"{key}-{tag}"})
        child.text = text
        root.insert(place, child)
    return ET.tostring(root, encoding="unicode")


def _tidy(node: ET.Element, names: Mapping[str, str]) -> None:
    """Remove names, groups, metadata and styles that a page does not need, in place."""
    node.tag = node.tag.rpartition("}")[2]
    node.text = (node.text or "").strip() or None
    node.tail = None
    attributes = _attributes(node, names)
    node.attrib.clear()
    node.attrib.update(attributes)
    kept: list[ET.Element] = []
    for child in node:
        if child.tag.rpartition("}")[2] not in ("metadata", "style"):
            _tidy(child, names)
            bare = child.tag == "g" and not child.attrib
            empty = child.tag == "defs" and not len(child)
            kept += list(child) if bare or empty else [child]
    node[:] = kept


def _attributes(node: ET.Element, names: Mapping[str, str]) -> dict[str, str]:
    attributes = {name.rpartition("}")[2]: value for name, value in node.attrib.items()}
    styles = dict(
        part.split(":", 1) for part in attributes.pop("style", "").split(";") if ":" in part
    )
    attributes |= _style_attributes({k.strip(): v.strip() for k, v in styles.items()})
    kept = {}
    for name, value in attributes.items():
        if (
            (name, value) in _DEFAULT_ATTRIBUTES
            or "rotate(-0" in value
            or (name == "id" and value not in names)
        ):
            continue
        if name == "id":
            kept[name] = names[value]
        elif name in ("href", "clip-path") and "#" in value:
            kept[name] = re.sub(r"#([^)]+)", lambda found: f"#{names[found[1]]}", value)
        else:
            kept[name] = _round_numbers(value) if name in ("d", "x", "y", "transform") else value
    return kept


_DEFAULT_ATTRIBUTES = {("class", "fill-soft"), ("font-size", "12px")}  # set once for all text
_REMOVED_STYLES = {"font", "font-family", "stroke-linejoin", "stroke-linecap", "stroke-miterlimit"}


def _style_attributes(styles: dict[str, str]) -> dict[str, str]:
    """Turn inline styles into attributes, and our colours into CSS classes."""
    looks = {}
    classes = []
    for name, value in styles.items():
        if name in ("fill", "stroke") and value in STAND_IN:
            classes.append(f"{name}-{STAND_IN[value]}")
        elif name not in _REMOVED_STYLES:
            looks[name] = value
    return looks | ({"class": " ".join(classes)} if classes else {})


def _round_numbers(numbers: str) -> str:
    rounded = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.1f}".removesuffix(".0"), numbers)
    return (
        re.sub(r"\s*([A-Za-z])\s*", r"\1", rounded).strip() if "L" in rounded else rounded.strip()
    )
