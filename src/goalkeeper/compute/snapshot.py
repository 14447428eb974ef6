"""Read a run folder that anybody may have made: each file once, and nothing that is no file.

Links are not followed, devices and FIFOs are not opened, and files that are not part of a run are
not read. What is read is bounded, and is what was hashed: a file that is changed meanwhile is seen
as it was, or is refused.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from goalkeeper.compute.files import sha
from goalkeeper.compute.folder import ASIDE, MANIFEST, RECORDS, SIGNATURE, is_part

LARGEST = 64 << 20  # bytes of one file
LARGEST_SUM = 256 << 20  # bytes of all files
LARGEST_MANIFEST = 4 << 20
LARGEST_SIGNATURE = 16 << 10
MOST = 10  # problems of one kind that are listed; what follows is not even looked at
LINE = re.compile(r"([0-9a-f]{64})  (\S+)", re.ASCII)
FOLDERS = ("units", "policy")
KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


class _Refused(Exception):
    """A file cannot be taken for a part of a run; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The files of a run as they were read once, and what is wrong with the folder.

    `files` are those that are listed in the manifest and have the hash given there; `manifest` and
    `signature` are the content of these files, which no manifest lists.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    manifest: bytes = b""
    signature: bytes | None = None
    problems: tuple[str, ...] = ()


def shown(name: str) -> str:
    """Write the name of a file so that nothing in it can deceive a terminal or a reader."""
    text = ascii(name)[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}..."


def take(root: Path) -> Snapshot:
    """Read a run folder, and compare it with its manifest."""
    try:
        with _opened_folder(root) as top:
            return _take(top)
    except OSError as error:
        return Snapshot(problems=(f"the folder cannot be read ({error.strerror})",))


def _take(top: int) -> Snapshot:
    problems: list[str] = []
    try:
        manifest = _read(top, MANIFEST, LARGEST_MANIFEST)
    except FileNotFoundError:
        return Snapshot(problems=(f"{MANIFEST}: missing: nothing says what the files were",))
    except (_Refused, OSError) as error:
        return Snapshot(problems=(_explain(MANIFEST, error),))
    listed, wrong = _parse(manifest)
    if wrong:
        return Snapshot(manifest=manifest, problems=tuple(wrong))
    wrong = [
        f"{name}: is {kind}, and not a folder" for name in FOLDERS if (kind := _odd(top, name))
    ]
    if wrong:
        return Snapshot(manifest=manifest, problems=tuple(wrong))
    signature = None
    try:
        signature = _read(top, SIGNATURE, LARGEST_SIGNATURE)
    except FileNotFoundError:
        pass
    except (_Refused, OSError) as error:
        problems.append(_explain(SIGNATURE, error))
    problems += _find_unlisted(top, listed)
    files, wrong = _read_listed(top, listed)
    problems += wrong
    return Snapshot(files=files, manifest=manifest, signature=signature, problems=tuple(problems))


def _explain(name: str, error: Exception) -> str:
    if isinstance(error, _Refused):
        return f"{shown(name)}: {error}"
    return f"{shown(name)}: cannot be read ({getattr(error, 'strerror', None) or error})"


# ---- the manifest --------------------------------------------------------------------------------


def _parse(manifest: bytes) -> tuple[dict[str, str], list[str]]:
    """Return the hash of each listed file by name, and what is wrong with the list."""
    try:
        text = manifest.decode("ascii")
    except UnicodeDecodeError:
        return {}, [f"{MANIFEST}: holds characters that are not ASCII"]
    listed: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], 1):
        found = LINE.fullmatch(line)
        if found is None:
            return {}, [f"{MANIFEST}: line {number} is not a hash, two spaces and a name"]
        digest, name = found.groups()
        if not is_part(name):
            return {}, [f"{MANIFEST}: lists {shown(name)}, which is no file of a run"]
        if name in listed:
            return {}, [f"{MANIFEST}: lists {shown(name)} twice"]
        listed[name] = digest
    missing = [name for name in RECORDS if name not in listed]
    if missing:
        return {}, [f"{MANIFEST}: does not list {name}" for name in missing]
    if text != "".join(f"{listed[name]}  {name}\n" for name in sorted(listed)):
        return {}, [f"{MANIFEST}: is not in the order and form that goalkeeper writes"]
    return listed, []


def _find_unlisted(top: int, listed: Mapping[str, str]) -> list[str]:
    """List what is in the folder and not in the manifest; look at no more than needed."""
    found: list[str] = []
    for name in _walk(top):
        if name not in listed:
            if len(found) == MOST:
                return [*found, "more files are not part of the run"]
            found.append(f"{shown(name)}: not part of the run")
    return found


def _walk(top: int) -> Iterator[str]:
    """Yield every name in the folder and its two folders that is no folder of a run."""
    with os.scandir(top) as entries:
        for entry in entries:
            folder = entry.is_dir(follow_symlinks=False)
            if entry.name in FOLDERS and folder:
                continue
            if entry.name in ASIDE and folder is (entry.name != ASIDE[0]):
                continue
            if entry.name not in (MANIFEST, SIGNATURE):
                yield entry.name
    for name in FOLDERS:
        try:
            with _opened_folder(name, top) as inner, os.scandir(inner) as entries:
                yield from (f"{name}/{entry.name}" for entry in entries)
        except OSError:
            continue  # its files are missing, which is told of each


# ---- files ---------------------------------------------------------------------------------------


def _read_listed(top: int, listed: Mapping[str, str]) -> tuple[dict[str, bytes], list[str]]:
    files: dict[str, bytes] = {}
    problems: list[str] = []
    left = LARGEST_SUM
    for name, digest in listed.items():
        if len(problems) == MOST:
            return files, [*problems, "more files are missing or were changed"]
        try:
            content = _read(top, name, min(LARGEST, left))
        except (FileNotFoundError, NotADirectoryError):
            problems.append(f"{name}: missing")
        except (_Refused, OSError) as error:
            problems.append(_explain(name, error))
        else:
            left -= len(content)
            if sha(content) == digest:
                files[name] = content
            else:
                problems.append(f"{name}: changed since the run")
    return files, problems


@contextmanager
def _opened_folder(path: Path | str, within: int | None = None) -> Iterator[int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    handle = os.open(path, flags if within is None else flags | os.O_NOFOLLOW, dir_fd=within)
    try:
        yield handle
    finally:
        os.close(handle)


def _read(top: int, name: str, largest: int) -> bytes:
    """Read a plain file of at most so many bytes; raises _Refused or OSError."""
    folder, _, base = name.rpartition("/")
    if not folder:
        return _read_in(top, base, largest)
    with _opened_folder(folder, top) as inner:
        return _read_in(inner, base, largest)


def _read_in(folder: int, name: str, largest: int) -> bytes:
    _check(os.stat(name, dir_fd=folder, follow_symlinks=False), largest)  # before it is opened
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
        before = os.fstat(file.fileno())
        _check(before, largest)
        content = file.read(before.st_size + 1)
        after = os.fstat(file.fileno())
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if len(content) != before.st_size or not same:
        raise _Refused("was changed while it was read")
    return content


def _check(found: os.stat_result, largest: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _Refused(f"is {_kind(found.st_mode)}, and not a file")
    if found.st_nlink > 1:
        raise _Refused("has a second name (a hard link), by which it can be changed; copy the run")
    if found.st_size > largest:
        raise _Refused(f"has {found.st_size:,} bytes, and at most {largest:,} are read")


def _odd(top: int, name: str) -> str:
    """Say what a folder of the run is instead; empty if it is a folder, or missing."""
    try:
        mode = os.stat(name, dir_fd=top, follow_symlinks=False).st_mode
    except OSError:
        return ""
    return "" if stat.S_ISDIR(mode) else _kind(mode)


def _kind(mode: int) -> str:
    return next((word for test, word in KINDS if test(mode)), "a file")
