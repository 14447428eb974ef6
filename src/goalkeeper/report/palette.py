"""The colours of the page and its plots, in a light and a dark theme.

Colour never carries meaning alone. Every pair of text and ground in `TEXT` keeps a contrast of
4.5 to 1 in both themes, every shape in `SHAPES` one of 3 to 1 (tested).
"""

from __future__ import annotations

LIGHT = {
    "paper": "#f7f6f2",
    "card": "#ffffff",
    "plate": "#f1efe9",
    "line": "#dedbd2",
    "ink": "#1b2025",
    "soft": "#57606a",
    "accent": "#22577f",
    "met": "#1a6642",
    "met-tint": "#e4f1e9",
    "bad": "#9f2a22",
    "bad-tint": "#faeae7",
    "open": "#775100",
    "open-tint": "#f9efd7",
    "none": "#515a64",
    "none-tint": "#ebedef",
}

DARK = {
    "paper": "#13161a",
    "card": "#1b1f24",
    "plate": "#23282e",
    "line": "#363c44",
    "ink": "#e6e8eb",
    "soft": "#a6b0ba",
    "accent": "#8fbfec",
    "met": "#7fd4a5",
    "met-tint": "#18301f",
    "bad": "#ff9f95",
    "bad-tint": "#3b1e1b",
    "open": "#ebc36a",
    "open-tint": "#352b13",
    "none": "#b7bfc9",
    "none-tint": "#282d33",
}

THEMES = {"light": LIGHT, "dark": DARK}
TONES = {"met": "met", "not_met": "bad", "inconclusive": "open", "not_assessed": "none"}

TEXT = (
    *((text, ground) for text in ("ink", "soft", "accent") for ground in ("paper", "card")),
    *((text, "plate") for text in ("ink", "soft")),
    *((tone, f"{tone}-tint") for tone in TONES.values()),
    *((tone, "card") for tone in TONES.values()),
    *(("ink", f"{tone}-tint") for tone in TONES.values()),
)
SHAPES = tuple((shape, "card") for shape in ("accent", "soft", *TONES.values()))

# Plots are drawn in these placeholder colours, which are then replaced by CSS classes.
STAND_IN = {f"#0{i:x}0b0c": name for i, name in enumerate(("ink", "soft", "line", "accent"), 1)}
STAND_IN |= {f"#0{i:x}0b0d": name for i, name in enumerate(TONES.values(), 1)}
PEN = {name: colour for colour, name in STAND_IN.items()}
