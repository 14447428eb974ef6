"""Say in words what a file that is no known model looks like."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

FEW = 6  # names that are listed
KNOWN = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"\x80", "a pickle"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"version https://git-lfs", "a pointer of Git LFS: the model itself was not downloaded"),
    (b"binf", "an XGBoost model in its old binary format: load it there, and store it as JSON"),
    (b'{"name": "tree"', "a dump of LightGBM, which cannot be loaded again: use save_model"),
    (b'{"name":"tree"', "a dump of LightGBM, which cannot be loaded again: use save_model"),
    (b"<", "a page in HTML or XML: perhaps of a download that failed"),
)
TFLITE = b"TFL3"  # at byte 4
SAFETENSORS = b'{"'  # at byte 8, behind the length of the header


def looks_like(path: Path, head: bytes) -> str:
    """Describe a file or folder by its content.

    Parameters
    ----------
    path
        Where it is.
    head
        Its first bytes; ignored for a folder.
    """
    if path.is_dir():
        names = sorted(entry.name for entry in path.iterdir())
        return f"a folder with {_some(names)}" if names else "an empty folder"
    if head.startswith(b"PK"):
        return _archive(path)
    kind = next((words for start, words in KNOWN if head.startswith(start)), "")
    if not kind and head[4:8] == TFLITE:
        kind = "a TensorFlow Lite model"
    if not kind and head[8:10] == SAFETENSORS:
        kind = "weights in safetensors: name them in `model.weights`, beside `model.build`"
    return f"{kind or _text(head)} ({_shown(head)})"


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            return f"a zip archive with {_some(archive.namelist())}"
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "a zip archive that was cut short: its table of contents is missing"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - FEW} more" if len(listed) > FEW else ""
    return ", ".join(listed[:FEW]) + more


def _text(head: bytes) -> str:
    try:
        head[:64].decode("ascii")
    except UnicodeDecodeError:
        return "a file of an unknown kind"
    return "a text" if b"\0" not in head else "a file of an unknown kind"


def _shown(head: bytes) -> str:
    return f"its first bytes are {head[:16]!r}"
