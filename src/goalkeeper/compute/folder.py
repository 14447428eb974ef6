"""The run folder: the folder is the truth, every file is written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import ValidationError

from goalkeeper.compute.files import LOCK, disk_full, held, sha, sweep, write_whole
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.errors import StoreError
from goalkeeper.core.evidence import AttackResult

MANIFEST = "MANIFEST.sha256"
SERVICE = ".service"  # what a service answered: it helps to resume, and is no part of the evidence


class RunFolder:
    """A folder with `run.json`, `units/<id>.json`, `assessment.json`, `report.html`, a manifest."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # ---- writing ------------------------------------------------------------------------------

    def create(self) -> None:
        """Make the folder; raises StoreError when it cannot be made or holds something else."""
        units = self.root / "units"
        try:
            there = list(self.root.iterdir()) if self.root.is_dir() else []
            foreign = not units.is_dir() and any(path.name != SERVICE for path in there)
            if not foreign:
                units.mkdir(parents=True, exist_ok=True)
                (self.root / LOCK).touch()
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

    def save(self, unit: str, result: AttackResult) -> None:
        """Save the result of an attack run, with the hash of its content."""
        body = result.model_dump_json()
        self.write(f"units/{unit}.json", f"{sha(body.encode())}\n{body}\n")

    def seal(self) -> None:
        """Write the manifest: the SHA-256 of every file, in the format of `sha256sum`."""
        self.write(MANIFEST, self._manifest())

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
        try:
            return (self.root / name).read_text(encoding="utf-8")
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
        try:
            text = (self.root / f"units/{unit}.json").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        digest, _, body = text.partition("\n")
        body = body.removesuffix("\n")
        if sha(body.encode()) != digest:
            return None
        try:
            return AttackResult.model_validate_json(body)
        except ValidationError:
            return None

    def changed(self) -> list[str]:
        """List every file that is not as the manifest says: changed, missing or added."""
        stored = self.read(MANIFEST)
        now = self._manifest()
        if stored == now:
            return []
        before, after = (dict(_lines(text)) for text in (stored, now))
        names = sorted(set(before) | set(after))
        found = [
            f"{name}: {_difference(name in before, name in after)}"
            for name in names
            if before.get(name) != after.get(name)
        ]
        return found or [f"{MANIFEST}: changed"]

    def _manifest(self) -> str:
        files = sorted(
            p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file()
        )
        listed = [n for n in files if n not in {MANIFEST, LOCK} and not n.startswith(f"{SERVICE}/")]
        return "".join(f"{sha((self.root / n).read_bytes())}  {n}\n" for n in listed)


def _difference(before: bool, after: bool) -> str:  # noqa: FBT001
    if before and after:
        return "changed since the run"
    return "missing" if before else "not part of the run"


def _lines(manifest: str) -> Iterator[tuple[str, str]]:
    for line in manifest.splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest
