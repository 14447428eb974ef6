"""Where public data sets lie, if they are at hand: GOALKEEPER_DATA, or beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(os.environ.get("GOALKEEPER_DATA") or Path(__file__).parents[2] / "shared" / "data")
