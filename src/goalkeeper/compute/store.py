"""The store: results of attack runs that all runs share, and arrays that are expensive to compute.

The key of an entry is the hash of everything that determines it: what is requested, the versions of
all libraries, and goalkeeper's own source. Entries are therefore never outdated; those that are no
longer requested only take space, and can be removed. The folder is the only state: an entry that
is missing or damaged is computed again.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from goalkeeper.compute import versions
from goalkeeper.compute.files import TEMPORARY, claimed, disk_full, held, sha, sweep, write_whole
from goalkeeper.compute.index import FILE as INDEX
from goalkeeper.compute.index import Entry, Index
from goalkeeper.core.errors import DataError, StoreError
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.private import make_file, make_folder

VARIABLE = "GOALKEEPER_STORE"
RESULTS, ARRAYS = "results", "arrays"
CLAIMS = "claims"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose an entry is; it helps people, and decides nothing."""

    application: str = ""
    attack: str = ""


def default_root() -> Path:
    """Return the folder in `GOALKEEPER_STORE`, else the user's cache folder of this platform."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("goalkeeper", appauthor=False)


class Store:
    """A folder of entries; any number of runs may use it at once.

    Parameters
    ----------
    root
        Where it is, or will be made; the default place if left out.
    digest
        What stands for source and versions; those of this process if left out.
    """

    def __init__(self, root: Path | None = None, *, digest: str = "") -> None:
        # Workers may have another working directory.
        self.root = (root or default_root()).absolute()
        self._digest = digest or versions.digest()

    # ---- results ------------------------------------------------------------------------------

    def put(self, key: str, result: AttackResult, about: About) -> None:
        """Store the result of an attack run, unless it failed or the time limit cut it short.

        Raises
        ------
        StoreError
            It cannot be written; a DiskFull if there is no room.
        """
        if result.status is not Status.FAILED_TO_RUN and not result.limited:
            self._write(RESULTS, key, result.model_dump_json().encode(), about)

    def get(self, key: str) -> AttackResult | None:
        """Return a result, or None if it is missing or damaged."""
        body = self._read(RESULTS, key)
        try:
            return None if body is None else AttackResult.model_validate_json(body)
        except ValidationError:
            return None

    # ---- arrays -------------------------------------------------------------------------------

    def put_arrays(
        self, key: str, arrays: Mapping[str, NDArray[np.generic]], about: About | None = None
    ) -> None:
        """Keep arrays of any shapes by their names, in npz format without pickle.

        Raises
        ------
        DataError
            An array holds Python objects.
        StoreError
            They cannot be written; a DiskFull if there is no room.
        """
        for name, array in arrays.items():
            if array.dtype.hasobject:
                raise DataError(f"array {name} holds Python objects; keep numbers or fixed texts")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:  # `np.savez` cannot take every name
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
        self._write(ARRAYS, key, buffer.getvalue(), about or About())

    def get_arrays(self, key: str) -> dict[str, NDArray[np.generic]] | None:
        """Return the arrays of a key, or None if there are none or they are damaged."""
        body = self._read(ARRAYS, key)
        if body is None:
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as found:
            return dict(found)

    def computing(self, key: str, *, wait: bool = True) -> AbstractContextManager[bool]:
        """Claim the computing of arrays, so that two processes do not both compute them.

        Gives whether the claim is ours; False where another process has it, and this one is not to
        wait. A process has one claim at a time: different keys may share one.
        """
        return claimed(self.root / CLAIMS / sha(key.encode())[:2], wait=wait)

    # ---- keeping house ------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """List all entries, the longest unused first."""
        if self.root.is_dir():
            with suppress(OSError):
                make_file(self.root / INDEX)
        with Index(self.root) as index:
            found = index.synchronised(self._files(), _about)
        return sorted(found, key=lambda entry: entry.used)

    def prune(self, *, unused_since: float = 0.0, largest: float = float("inf")) -> list[Entry]:
        """Remove what was not used for long, or is too much; return what was removed.

        Parameters
        ----------
        unused_since
            Entries last used before this time (seconds since 1970) go.
        largest
            Then the longest unused go until at most so many bytes are left.

        Raises
        ------
        StoreError
            Nothing can be removed there.
        """
        if not self.root.is_dir():
            return []
        with (
            self._changing(),
            held(self.root),
        ):  # nobody writes meanwhile: what is temporary was left behind
            sweep(self.root)
            entries = self.entries()
            left, removed = sum(entry.size for entry in entries), []
            for entry in entries:
                if entry.used < unused_since or left > largest:
                    (self.root / entry.name).unlink(missing_ok=True)
                    left -= entry.size
                    removed.append(entry)
        return removed

    def check(self) -> list[str]:
        """Compute every hash again; remove and name the entries that are damaged.

        Raises
        ------
        StoreError
            One is damaged and cannot be removed.
        """
        damaged = [path for path in self._files() if _damaged(path)]
        with self._changing(f"{len(damaged)} entries are damaged, and are never used; "):
            for path in damaged:
                path.unlink(missing_ok=True)
        return [path.relative_to(self.root).as_posix() for path in damaged]

    @contextmanager
    def _changing(self, also: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"{also}nothing can be removed from the store {self.root} ({error.strerror}); "
                "make it writable, or name another with --store"
            ) from error

    # ---- files --------------------------------------------------------------------------------

    def _path(self, kind: str, key: str) -> Path:
        name = sha("\0".join((kind, key, self._digest)).encode())
        return self.root / kind / name[:2] / name

    def _write(self, kind: str, key: str, body: bytes, about: About) -> None:
        target = self._path(kind, key)
        header = {
            "key": key,
            "versions": self._digest,
            "application": about.application,
            "attack": about.attack,
        }
        content = json.dumps(header).encode() + b"\n" + body
        try:
            make_folder(self.root)
            make_folder(self.root / kind)
            with held(self.root, shared=True):
                write_whole(target, sha(content).encode() + b"\n" + content)
        except OSError as error:
            advice = "Make room with: goalkeeper store prune --larger 1G"
            raise disk_full(error, target, advice) or StoreError(
                f"{target} could not be written ({error.strerror}); name another store with "
                "--store, or use none: --no-store"
            ) from error

    def _read(self, kind: str, key: str) -> bytes | None:
        path = self._path(kind, key)
        try:
            found = _content(path)
        except OSError:  # there is none, or it is not ours to read
            return None
        if found is None or found[0].get("key") != key:
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)  # its last use
        return found[1]

    def _files(self) -> list[Path]:
        found = (p for kind in (RESULTS, ARRAYS) for p in (self.root / kind).glob("*/*"))
        return [path for path in found if not path.name.startswith(TEMPORARY)]


def _content(path: Path) -> tuple[dict[str, str], bytes] | None:
    """Read header and body of an entry; None if it is not as it was written; raises OSError."""
    digest, _, content = path.read_bytes().partition(b"\n")
    if sha(content).encode() != digest:
        return None
    header, _, body = content.partition(b"\n")
    return json.loads(header), body


def _damaged(path: Path) -> bool:
    try:
        return _content(path) is None
    except FileNotFoundError:  # somebody removed it meanwhile
        return False
    except OSError:
        return True


def _about(path: Path) -> tuple[str, str]:
    """Read of which application and attack an entry is; nothing of what it holds."""
    try:
        with path.open("rb") as file:
            file.readline()
            header = json.loads(file.readline())
        return str(header["application"]), str(header["attack"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""
