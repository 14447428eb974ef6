"""Files that are written whole or not at all, and folders that are held."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from goalkeeper.core.errors import StoreError
from goalkeeper.core.private import FILE_MODE, make_file, make_folder

LOCK = ".lock"
TEMPORARY = ".tmp-"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DiskFull(StoreError):
    """Nothing more can be written; what was written before is kept, and the run can resume."""


def sha(content: bytes) -> str:
    """Return the SHA-256 of some bytes, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write_whole(target: Path, content: bytes) -> None:
    """Write a file atomically, for its owner alone: temporary file, fsync, rename.

    Raises
    ------
    OSError
        It cannot be written; what was there before is kept.
    """
    make_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(FILE_MODE)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sweep(root: Path) -> None:
    """Remove what a killed writer left below a folder that nobody else is writing to."""
    for left in root.rglob(f"{TEMPORARY}*"):
        left.unlink(missing_ok=True)


def disk_full(
    error: OSError, target: Path, advice: str = "Free some space and run the same command again"
) -> DiskFull | None:
    """Say that the disk is full, where that is what the error means."""
    if error.errno not in FULL:
        return None
    return DiskFull(
        f"the disk is full ({error.strerror}): {target} could not be written; everything finished "
        f"before is kept. {advice}"
    )


@contextmanager
def claimed(path: Path, *, wait: bool) -> Iterator[bool]:
    """Claim what a file stands for against other processes, as far as the file system can.

    Yields whether it is ours; False where another process has it and this one is not to wait. A
    process that dies lets go. Where there are no locks, or no file can be made, it is always ours.
    """
    try:
        make_folder(path.parent)
        make_file(path)
        handle = path.open("a")
    except OSError:
        yield True
        return
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = True
        except BlockingIOError:
            ours = False
        except OSError:
            ours = True
        yield ours


@contextmanager
def held(root: Path, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold a folder against other processes; raises BlockingIOError if held and not to wait."""
    make_file(root / LOCK)
    with (root / LOCK).open("a") as handle:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)
        yield
