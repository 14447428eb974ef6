"""What zip archives contain, by the names of their entries."""

from __future__ import annotations

import zipfile

from goalkeeper.describe.kinds.base import ModelFile

START = b"PK\x03\x04"


def entries(file: ModelFile) -> frozenset[str]:
    """Name the entries of a zip archive; none where it is a folder, cut short, or no archive."""
    if not file.head.startswith(START):
        return frozenset()
    try:
        with zipfile.ZipFile(file.path) as archive:
            return frozenset(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return frozenset()
