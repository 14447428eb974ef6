"""From a figure of matplotlib to inline SVG that follows the theme of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

from goalkeeper.report.palette import STAND_IN

WIDTH = 400.0
_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def inline_svg(figure: Figure, key: str, title: str, description: str) -> str:
    """Return a figure as SVG with a title and a description, its colours as CSS classes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=_METADATA)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - written by matplotlib a moment ago
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", buffer.getvalue()))
    _tidy(root, {name: f"{key}-{i}" for i, name in enumerate(sorted(used))})
    for attribute in ("height", "version"):
        root.attrib.pop(attribute, None)
    names = f"{key}-title {key}-desc"
    root.attrib |= {"width": f"{WIDTH:.0f}", "class": "plot", "role": "img"}
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
