"""Files and folders that only their owner can read: runs, reports and stores hold records."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = [
    "FILE_MODE",
    "FOLDER_MODE",
    "make_file",
    "make_folder",
    "open_to_others",
    "tighten",
    "write_text",
]

FOLDER_MODE, FILE_MODE = 0o700, 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO
SHARED = stat.S_IWGRP | stat.S_IWOTH | stat.S_ISGID | stat.S_ISVTX  # somebody meant to share it


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, whatever the umask; leave one that is there.

    Raises
    ------
    OSError
        It cannot be made, or something else has its name.
    """
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise
    else:
        path.chmod(FOLDER_MODE)


def make_file(path: Path) -> None:
    """Make an empty file that only its owner can read; leave one that is there."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))
        path.chmod(FILE_MODE)


def write_text(path: Path, text: str) -> None:
    """Write a text, into a new file that only its owner can read or into one that is there.

    A file that is there keeps its mode: who made it decided who may read it.
    """
    make_file(path)
    path.write_bytes(text.encode())  # line ends stay as they are


def open_to_others(path: Path) -> bool:
    """Return whether anybody but the owner has access to a file or folder, links aside."""
    found = path.lstat()
    return not stat.S_ISLNK(found.st_mode) and bool(found.st_mode & OTHERS)


def tighten(path: Path) -> bool:
    """Close a file or folder of this user's to all others; return whether that changed it.

    A folder that was set up for sharing (others can write to it, or its group is inherited) is
    left as it is, and so is what belongs to another user.
    """
    try:
        mode = path.lstat().st_mode
        if not open_to_others(path) or (stat.S_ISDIR(mode) and mode & SHARED):
            return False
        path.chmod(FOLDER_MODE if stat.S_ISDIR(mode) else FILE_MODE)
    except OSError:  # it is not ours, or the file system knows no modes
        return False
    return True
