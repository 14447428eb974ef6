"""The run folder: the folder is the truth, every file is written whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import ValidationError

from goalkeeper.compute.files import LOCK, disk_full, held, sha, sweep, write_whole
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.errors import StoreError
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.private import make_file, make_folder, open_to_others, tighten

MANIFEST, SIGNATURE = "MANIFEST.sha256", "MANIFEST.sig"
SERVICE = ".service"  # what a service answered: it helps to resume, and is no part of the evidence
UNUSED = ".unused"  # results that no evidence rests on; they help to resume
RUN, ASSESSMENT, REPORT = "run.json", "assessment.json", "report.html"
RULES = ("policy/rating.yaml", "policy/taxonomy.yaml")
RECORDS = (RUN, ASSESSMENT, REPORT, *RULES)  # what every finished run holds beside its units
ASIDE = (LOCK, SERVICE, UNUSED)  # no part of what a run shows
UNIT = re.compile(r"units/([0-9A-Za-z]{1,64})\.json", re.ASCII)


class RunFolder:
    """A folder with `run.json`, `units/<id>.json`, `assessment.json`, `report.html`, a manifest."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # ---- writing ------------------------------------------------------------------------------

    def create(self) -> None:
        """Make the folder; raises StoreError when it cannot be made or holds something else.

        What is made is for its owner alone, since results can show records. A folder that is there
        keeps its mode: it is the user's.
        """
        units = self.root / "units"
        try:
            there = list(self.root.iterdir()) if self.root.is_dir() else []
            foreign = not units.is_dir() and any(path.name != SERVICE for path in there)
            if not foreign:
                make_folder(self.root)
                make_folder(units)
                make_file(self.root / LOCK)
        except OSError as error:
            raise disk_full(error, self.root) or StoreError(
                f"the run folder {self.root} cannot be created ({error.strerror}); choose another "
                "with -o"
            ) from error
        if foreign:
            raise StoreError(
                f"{self.root} holds other files and is not a run folder; choose a new folder "
                "with -o"
            )

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file atomically: temporary file, fsync, rename."""
        target = self.root / name
        try:
            write_whole(target, content if isinstance(content, bytes) else content.encode())
        except OSError as error:
            raise disk_full(error, target) or StoreError(
                f"{target} could not be written: {error.strerror}"
            ) from error

    def close_to_others(self) -> bool:
        """Take access to a run from everybody but its owner; return whether anybody had it.

        Files and folders of the run are closed. The run folder itself is closed only where an older
        goalkeeper made the run, which left its folders open: else its mode is the user's choice.
        """
        units = self.root / "units"
        if not units.is_dir() or not open_to_others(units):
            return False
        inside = [p for p in self._files() if _is_ours(p.relative_to(self.root).as_posix())]
        folders = [self.root / name for name in ("units", "policy", SERVICE, UNUSED)]
        there = [path for path in (*inside, *folders) if path.exists()]
        foreign = any(not _is_ours(path.name, top=True) for path in self.root.iterdir())
        closed = [tighten(path) for path in (*there, *([] if foreign else [self.root]))]
        return any(closed)

    def save(self, unit: str, result: AttackResult) -> None:
        """Save the result of an attack run, with the hash of its content."""
        self.write(f"units/{unit}.json", unit_text(result))

    def keep_units(self, used: Set[str]) -> None:
        """Keep the units that evidence rests on, and set all others apart for a later run."""
        for path in (self.root / "units").glob("*.json"):
            if path.stem not in used:
                make_folder(self.root / UNUSED)
                path.replace(self.root / UNUSED / path.name)
        for unit in used:
            apart, path = self.root / UNUSED / f"{unit}.json", self.root / "units" / f"{unit}.json"
            if apart.is_file() and not path.exists():
                apart.replace(path)

    def seal(self) -> None:
        """Write the manifest: the SHA-256 of every file of the run, in the format of `sha256sum`.

        A signature of another manifest is removed.
        """
        manifest = self._manifest()
        if self.has(MANIFEST) and (self.root / MANIFEST).read_bytes() != manifest.encode():
            (self.root / SIGNATURE).unlink(missing_ok=True)
        self.write(MANIFEST, manifest)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, so that two runs cannot hurt each other; raises StoreError if held."""
        self.create()
        with ExitStack() as stack:
            try:
                stack.enter_context(held(self.root, wait=False))
            except OSError as error:
                raise StoreError(
                    f"another goalkeeper is running in {self.root}; wait for it, or choose "
                    "another folder with -o"
                ) from error
            sweep(self.root)
            yield

    # ---- reading ------------------------------------------------------------------------------

    def read(self, name: str) -> str:
        """Read a file; raises StoreError when it is missing."""
        path = self.root / name
        if path.exists() and not path.is_file():
            raise StoreError(f"{path} is not a file")  # reading a pipe would wait for ever
        try:
            return path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError) as error:
            if self.has("run.json"):
                raise StoreError(
                    f"{self.root} contains no {name}: its run was not finished. Finished attack "
                    f"runs are kept; continue with: goalkeeper run FILE -o {self.root}"
                ) from error
            raise StoreError(
                f"{self.root} contains no {name}; is it a run folder? Create one with: "
                "goalkeeper run FILE -o DIR"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{self.root / name} cannot be read: {error}") from error

    def assessment(self) -> Assessment:
        """Read the assessment; raises StoreError where it is missing or of another schema."""
        source = str(self.root / "assessment.json")
        return Assessment.parse(self.read("assessment.json"), source=source)

    def record(self) -> dict[str, object]:
        """Read what the run wrote down before it began; empty if there is none, or damaged."""
        try:
            found = json.loads((self.root / "run.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def has(self, name: str) -> bool:
        """Return whether the folder contains a file."""
        return (self.root / name).is_file()

    def load(self, unit: str) -> AttackResult | None:
        """Return the result of an attack run, or None if it is missing or damaged."""
        for place in ("units", UNUSED):
            try:
                content = (self.root / place / f"{unit}.json").read_bytes()
            except OSError:
                continue
            found = read_unit(content)
            if found is not None:
                return found
        return None

    def _manifest(self) -> str:
        names = sorted(path.relative_to(self.root).as_posix() for path in self._files())
        listed = [name for name in names if is_part(name)]
        return "".join(f"{sha((self.root / name).read_bytes())}  {name}\n" for name in listed)

    def _files(self) -> list[Path]:
        """List the files of the folder, and of those folders in it that a run makes."""
        folders = (self.root / name for name in ("", "units", "policy", SERVICE, UNUSED))
        return [p for f in folders if f.is_dir() for p in f.iterdir() if p.is_file()]


def is_part(name: str) -> bool:
    """Return whether a file of this name is a part of what a run shows."""
    return name in RECORDS or UNIT.fullmatch(name) is not None


def unit_text(result: AttackResult) -> str:
    """Return the content of the file of a unit: the hash of its result, and the result."""
    body = result.model_dump_json()
    return f"{sha(body.encode())}\n{body}\n"


def read_unit(content: bytes) -> AttackResult | None:
    """Return the result in the content of the file of a unit, or None if it is damaged."""
    digest, _, body = content.partition(b"\n")
    body = body.removesuffix(b"\n")
    if sha(body).encode() != digest:
        return None
    try:
        return AttackResult.model_validate_json(body)
    except ValidationError:
        return None


def _is_ours(name: str, *, top: bool = False) -> bool:
    """Return whether a run writes a file, or at the top also a folder, of this name."""
    made = name in (MANIFEST, SIGNATURE, LOCK) or name.startswith((f"{SERVICE}/", f"{UNUSED}/"))
    whole = top and name in (*RECORDS, "units", "policy", SERVICE, UNUSED)
    return made or whole or is_part(name)
