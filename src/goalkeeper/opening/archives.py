"""Look into zip and tar archives: torch, npz, skops, Keras, or anything."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Callable

from goalkeeper.opening import formats
from goalkeeper.opening.found import Found
from goalkeeper.opening.limits import Refused
from goalkeeper.opening.names import Name
from goalkeeper.opening.packed import read_limited
from goalkeeper.opening.pickles import read_pickles

ZIP = b"PK\x03\x04"
MEMBERS = 100_000
Look = Callable[[bytes, str], str]
_TORCH_PARTS = ("version", "byteorder", ".format_version", ".storage_alignment", "serialization_id")
_TAIL = 1 << 17  # bytes at the end in which the directory of a zip archive is searched


def ends_in_zip(content: bytes) -> bool:
    """Say whether an archive stands at the end: programs that open archives read from there."""
    return b"PK\x05\x06" in content[-_TAIL:] and zipfile.is_zipfile(io.BytesIO(content))


def look(content: bytes, found: Found, inside: Look, *, whole: bool) -> str:
    """Look into every member of a zip archive."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = [m for m in archive.infolist() if not m.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, OverflowError) as error:
        found.unread(f"the zip archive cannot be read ({error})")
        return "zip"
    names = {member.filename for member in members}
    if len(members) > MEMBERS or len(names) < len(members):
        found.unread("the zip archive has too many members, or two of one name")
    kind = _kind(names)
    for member in members[:MEMBERS]:
        part = _read(archive, member, found)
        if whole and "/data/" in member.filename and member.compress_type == zipfile.ZIP_STORED:
            start = _start(content, member)
            found.arrays.append((start, start + member.file_size, 4))
        if part is not None:
            _member(member.filename, part, kind, found, inside)
    if kind == "zip" and found.seen.names:
        return "zip of pickles"
    return kind


def _kind(names: set[str]) -> str:
    last = {name.rpartition("/")[2] for name in names}
    if "schema.json" in names:
        return "skops"
    if "config.json" in names and last & {"metadata.json", "model.weights.h5"}:
        return "Keras"
    if "data.pkl" in last and "version" in last:
        return "zip of pickles"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    return "zip"


def _member(name: str, part: bytes, kind: str, found: Found, inside: Look) -> None:
    last = name.rpartition("/")[2]
    if kind == "skops" and name == "schema.json":
        _skops(part, found)
        return
    if kind == "Keras" and name == "config.json":
        formats.keras_config(part, found)
        return
    if kind == "zip of pickles":
        _torch(name, last, part, found, inside)
        return
    inside(part, name)


def _torch(name: str, last: str, part: bytes, found: Found, inside: Look) -> None:
    """Look at a member of a torch archive; the storages beside the pickle are raw numbers."""
    if last == "data.pkl":
        pickles = read_pickles(part, found, torch=True)
        found.runs_code = True
        found.take(pickles, whole=False)
        if not pickles.is_pickle:
            found.unread(f"{name} in the archive is no pickle")
    elif "/data/" in f"/{name}":
        pickles = read_pickles(part, found)
        if pickles.seen.calls:  # no reader unpickles it, but there is no other reason for it
            found.take(pickles, whole=False)
    elif last == "constants.pkl" or "/code/" in name or last.endswith(".py"):
        found.note(f"{name} in the archive is a program of TorchScript")
        inside(part, name)
    elif last not in _TORCH_PARTS:
        inside(part, name)


def _skops(content: bytes, found: Found) -> None:
    """List the types that a skops file names; skops makes only those that the user trusts."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError) as error:
        found.unread(f"schema.json of the skops file cannot be read ({str(error)[:80]})")
        return
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            module, name = node.get("__module__"), node.get("__class__")
            if isinstance(module, str) and isinstance(name, str):
                found.seen.names.add(Name(module, name))
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _start(content: bytes, member: zipfile.ZipInfo) -> int:
    """Find where the bytes of an uncompressed member begin, behind its name and extra field."""
    header = member.header_offset
    name, extra = content[header + 26 : header + 28], content[header + 28 : header + 30]
    return header + 30 + int.from_bytes(name, "little") + int.from_bytes(extra, "little")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, found: Found) -> bytes | None:
    try:
        with archive.open(member) as stream:
            return read_limited(stream, found.limits)
    except Refused as error:
        found.problem(str(error))
    except (
        zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, zlib.error,
        ValueError,
    ) as error:  # fmt: skip
        found.unread(f"{member.filename} in the archive cannot be read ({str(error)[:80]})")
    return None


# ---- tar -------------------------------------------------------------------------------------


def is_tar(content: bytes) -> bool:
    """Say whether a file is a tar archive."""
    return content[257:262] == b"ustar"


def look_into_tar(content: bytes, found: Found, inside: Look) -> str:
    """Look into every file of a tar archive; nothing is written anywhere."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for i, member in enumerate(archive):
                if i > MEMBERS or member.issym() or member.islnk() or ".." in member.name:
                    found.unread(f"{member.name[:80]} in the tar archive leads elsewhere")
                    break
                stream = archive.extractfile(member)
                if stream is not None:
                    inside(read_limited(stream, found.limits), member.name)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        found.unread(f"the tar archive cannot be read ({str(error)[:80]})")
    return "tar"
