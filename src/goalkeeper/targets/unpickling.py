"""Say what a stored model would run when it is loaded, without loading it.

A pickle is a program: it may call any function that it can name. Here its opcodes are read one by
one and nothing is ever imported or called. What a file names is compared with an exact list of
harmless names; everything else is reported, so that a name nobody thought of is not taken for safe.
(Lists of dangerous names alone are incomplete by nature; names of whole packages let in what is
dangerous inside them.)
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO

from goalkeeper.targets._opcodes import Reader, Unreadable
from goalkeeper.targets._pickle_names import Name, classify

MOST = 1 << 30  # bytes that are unpacked from one file, at most
DEEP = 4  # archives inside archives that are followed
_PACKED: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x5d\x00\x00", "lzma"),
)
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a stored model names, and how far it could be read.

    Parameters
    ----------
    form
        The format, e.g. `pickle`, `zip of pickles`, `safetensors`.
    runs_code
        Whether loading this format can run code at all.
    names
        Every `module.name` that loading would import.
    dangerous
        Those that run commands or code, reach files or the network, or load further code.
    unknown
        Those that are on no list: a class of your own, or an attack nobody has listed.
    problems
        What could not be read: an attacker may hide code there.
    arrays
        Where raw numbers of 4 or 8 bytes stand, as (first byte, end, bytes a number); only of
        files that are not compressed.
    """

    form: str
    runs_code: bool
    names: tuple[str, ...] = ()
    dangerous: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    arrays: tuple[tuple[int, int, int], ...] = ()

    @property
    def suspicious(self) -> bool:
        """Whether anything in the file is not known to be harmless."""
        return bool(self.dangerous or self.unknown or self.problems)

    def describe(self) -> str:
        """Describe in a sentence what was found."""
        if not self.runs_code:
            return f"the format ({self.form}) runs no code when it is loaded"
        found = []
        if self.dangerous:
            found.append("it names functions that run code: " + _listed(self.dangerous))
        if self.unknown:
            found.append("it names what is on no list of harmless names: " + _listed(self.unknown))
        found += self.problems
        if not found:
            return f"the {self.form} names {len(self.names)} classes and functions, all harmless"
        return "; ".join(found)


def _listed(names: tuple[str, ...]) -> str:
    omitted = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + omitted


def scan(content: bytes) -> Scan:
    """Read the bytes of a stored model; nothing in it is imported, called or run.

    It knows pickles, joblib files with arrays inside, torch files of both kinds, numpy files,
    and zip, gzip, bz2, xz and zlib around any of these; safetensors and skops run no code.
    """
    found = _Found()
    form = _look(content, found, 0, whole=True)
    names = tuple(sorted({str(name) for name in found.names}))
    verdicts = {str(name): classify(name) for name in found.names}
    pick = {
        v: tuple(n for n in names if verdicts[n] == v) for v in ("harmless", "dangerous", "unknown")
    }
    return Scan(
        form=form,
        runs_code=found.runs_code,
        names=names,
        dangerous=pick["dangerous"],
        unknown=pick["unknown"],
        problems=tuple(dict.fromkeys(found.problems)),
        arrays=tuple(found.arrays),
    )


@dataclass(eq=False)
class _Found:
    """What was found so far."""

    names: set[Name] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    arrays: list[tuple[int, int, int]] = field(default_factory=list)
    runs_code: bool = False
    room: int = MOST


def _look(content: bytes, found: _Found, depth: int, *, whole: bool = False) -> str:
    """Find out the format, look inside, and name the format."""
    if depth > DEEP:
        found.problems.append(f"archives lie more than {DEEP} deep in one another")
        found.runs_code = True
        return "nested archives"
    if content.startswith(b"PK\x03\x04"):
        return _archive(content, found, depth, whole=whole)
    for start, name in _PACKED:
        if content.startswith(start):
            return _unpacked(name, content, found, depth)
    if content.startswith(_ZLIB):
        return _inflated(content, found, depth)
    if content.startswith(b"\x93NUMPY"):
        return _numpy(content, found, whole=whole)
    if _is_safetensors(content):
        if whole:
            found.arrays.append((8 + int.from_bytes(content[:8], "little"), len(content), 4))
        return "safetensors"
    return _pickles(content, found, whole=whole)


def _pickles(content: bytes, found: _Found, *, whole: bool) -> str:
    """Read one pickle after the other; torch's older format has five of them, then raw numbers."""
    found.runs_code = True
    stream, first = io.BytesIO(content), True
    while first or content[stream.tell() : stream.tell() + 1] == b"\x80":
        reader = Reader(stream)
        try:
            reader.read()
        except Unreadable as error:
            found.names |= reader.names  # what ran before the end would have run
            if first:
                found.problems.append(str(error))
            break
        found.names |= reader.names
        found.problems += reader.problems
        if whole:
            found.arrays += reader.arrays
        first = False
    return "pickle"


def _archive(content: bytes, found: _Found, depth: int, *, whole: bool) -> str:
    """Look into every member of a zip archive: torch, npz, skops, or anything."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        found.runs_code = True
        found.problems.append(f"the zip archive cannot be read ({error})")
        return "zip"
    names = {member.filename for member in members}
    pickled = False
    for member in members:
        inside = _member(archive, member, found)
        if whole and "/data/" in member.filename and member.compress_type == zipfile.ZIP_STORED:
            start = _start(content, member)
            found.arrays.append((start, start + member.file_size, 4))
        if inside is None or not _may_be_read(member.filename, inside):
            continue
        pickled = True
        _look(inside, found, depth + 1)
    if "schema.json" in names and not found.names:
        return "skops"
    return "zip of pickles" if pickled and found.runs_code else "zip"


def _start(content: bytes, member: zipfile.ZipInfo) -> int:
    """Find where the bytes of an uncompressed member begin, behind its name and extra field."""
    header = member.header_offset
    name, extra = content[header + 26 : header + 28], content[header + 28 : header + 30]
    return header + 30 + int.from_bytes(name, "little") + int.from_bytes(extra, "little")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, found: _Found) -> bytes | None:
    try:
        with archive.open(member) as stream:
            return _limited(stream, found)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, zlib.error) as error:
        found.runs_code = True
        found.problems.append(f"{member.filename} in the archive cannot be read ({error})")
        return None


def _may_be_read(name: str, content: bytes) -> bool:
    """Tell whether a member of an archive is a pickle, an archive or an array, not raw numbers."""
    starts = (b"\x80", b"PK\x03\x04", b"\x93NUMPY", *_ZLIB, *(start for start, _ in _PACKED))
    if name.lower().endswith((".pkl", ".pickle", ".joblib", ".p", ".npy", ".pt", ".pth", ".ckpt")):
        return True
    return content.startswith(starts) and _is_some_pickle(content)


def _is_some_pickle(content: bytes) -> bool:
    """Tell a pickle from numbers that happen to begin like one: its first opcodes must read."""
    if not content.startswith(b"\x80"):
        return True
    reader = Reader(io.BytesIO(content))
    try:
        reader.read()
    except Unreadable:
        return bool(reader.names)
    return True


def _unpacked(name: str, content: bytes, found: _Found, depth: int) -> str:
    raw = io.BytesIO(content)
    try:
        with _opened(name, raw) as stream:
            inside = _limited(stream, found)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError) as error:
        found.runs_code = True
        found.problems.append(f"the {name} file cannot be unpacked ({error})")
        return name
    return f"{name} of {_look(inside, found, depth + 1)}"


def _opened(name: str, raw: io.BytesIO) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if name == "gzip":
        return gzip.GzipFile(fileobj=raw)
    return bz2.BZ2File(raw) if name == "bz2" else lzma.LZMAFile(raw)


def _inflated(content: bytes, found: _Found, depth: int) -> str:
    unpacker = zlib.decompressobj()
    try:
        inside = unpacker.decompress(content, found.room)
    except zlib.error as error:
        found.runs_code = True
        found.problems.append(f"the zlib file cannot be unpacked ({error})")
        return "zlib"
    found.room -= len(inside)
    if unpacker.unconsumed_tail:
        found.problems.append(f"more than {MOST >> 20} MiB unpacked were not read")
    return f"zlib of {_look(inside, found, depth + 1)}"


def _limited(stream: IO[bytes] | io.BufferedIOBase, found: _Found) -> bytes:
    """Read a compressed stream, but no more than there is room for."""
    inside = stream.read(found.room + 1)
    if len(inside) > found.room:
        found.problems.append(f"more than {MOST >> 20} MiB unpacked were not read")
        found.runs_code = True
    found.room = max(0, found.room - len(inside))
    return inside


def _numpy(content: bytes, found: _Found, *, whole: bool) -> str:
    """Tell a header and raw numbers from a header and a pickle, where an array holds objects."""
    wide = content[6:7] >= b"\x02"
    size = int.from_bytes(content[8 : 12 if wide else 10], "little")
    start = (12 if wide else 10) + size
    header = content[8:start].decode("latin1", "replace")
    if "O" in header.split("'descr':", 1)[-1].split(",", 1)[0]:
        return f"numpy file with a {_pickles(content[start:], found, whole=False)}"
    if whole:
        found.arrays.append((start, len(content), 8 if "8'" in header else 4))
    return "numpy file"


def _is_safetensors(content: bytes) -> bool:
    size = int.from_bytes(content[:8], "little")
    return content[8:9] == b"{" and 0 < size <= len(content) - 8
