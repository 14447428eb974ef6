"""Opening model files: one reader that both checks and loads.

`scan` says what a file would import and run; `load` makes what it holds, of allowed names only.
Both run the same stack machine (`machine`) on the same bytes.
"""

from __future__ import annotations

from goalkeeper.opening.limits import Refused, Unreadable
from goalkeeper.opening.loading import Loaded, load, load_torch
from goalkeeper.opening.rules import refuse_dangerous
from goalkeeper.opening.scanning import Scan, scan

__all__ = [
    "Loaded",
    "Refused",
    "Scan",
    "Unreadable",
    "load",
    "load_torch",
    "refuse_dangerous",
    "scan",
]
