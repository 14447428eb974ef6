"""`goalkeeper scan`: say what model files would import and run, without loading them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goalkeeper.cli.common import AsJson

if TYPE_CHECKING:
    from goalkeeper.opening import Scan

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    "unsafe": "Loading the file runs code that stands in it",
    "unreadable": "The file cannot be read to its end: code may hide there",
    "unknown": "The file names, or is, something that is not known to be harmless",
}
LEVELS = {"unsafe": "error", "unreadable": "error", "unknown": "warning"}
Files = Annotated[
    list[Path],
    typer.Argument(help="Model files, or folders of them.", show_default=False, metavar="FILE..."),
]
AsSarif = Annotated[
    bool, typer.Option("--sarif", help="Print only SARIF 2.1.0 on standard output.")
]
Trusted = Annotated[
    list[str] | None,
    typer.Option(
        "--trust-name",
        help="A class of your own that is harmless, as package.module.Name; may be repeated.",
    ),
]


class ScanExit(IntEnum):
    """Exit codes of scan, the worst first; the comments are the text of the reference page."""

    USAGE = 4  # wrong usage, or a file is not there
    UNSAFE = 1  # loading some file runs code that stands in it
    UNREADABLE = 3  # some file cannot be read to its end
    UNKNOWN = 2  # some file names something that is on no list of harmless names
    CLEAN = 0  # whatever loads these files runs nothing that stands in them


WORST = {"unsafe": ScanExit.UNSAFE, "unreadable": ScanExit.UNREADABLE, "unknown": ScanExit.UNKNOWN}


def scan(
    files: Files, as_json: AsJson = False, as_sarif: AsSarif = False, trust_name: Trusted = None
) -> None:
    """Say what model files would import and run, without loading them; 0: every file is clean.

    Exit codes: 0 every file is clean; 1 some file runs code; 2 some file names something unknown;
    3 some file cannot be read; 4 a file is not there. The worst decides: 4, 1, 3, 2, 0.
    """
    found = [(path, _scan(path, tuple(trust_name or ()))) for path in _listed(files)]
    if as_sarif:
        typer.echo(json.dumps(_sarif(found), indent=1))
    elif as_json:
        typer.echo(json.dumps([_row(path, one) for path, one in found], indent=1))
    else:
        _print(found)
    verdicts = {one.verdict for _, one in found}
    code = next((WORST[v] for v in WORST if v in verdicts), ScanExit.CLEAN)
    raise typer.Exit(code)


def _listed(files: list[Path]) -> list[Path]:
    """List the files, those in folders included; raises DescriptionError for missing ones."""
    from goalkeeper.core.errors import DescriptionError

    found: list[Path] = []
    for file in files:
        if not file.exists():
            raise DescriptionError(
                f"{file} does not exist", key="FILE", advice="name a model file, or a folder"
            )
        inside = list(_walk(file)) if file.is_dir() else [file]
        if not inside:
            raise DescriptionError(f"there is no file in the folder {file}", key="FILE")
        found += inside
    return list(dict.fromkeys(found))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, in the order of their names."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif not path.is_dir():
            yield path


def _scan(path: Path, trusted: tuple[str, ...]) -> Scan:
    from goalkeeper.opening import Scan, scan

    try:
        if not path.is_file():
            raise OSError("it is no regular file")
        return scan(path.read_bytes(), path.name, trusted)
    except OSError as error:
        text = f"it cannot be opened ({error.strerror or error})"
        return Scan(form="file", runs_code=True, problems=(text,), unreadable=(text,))


def _row(path: Path, found: Scan) -> dict[str, Any]:
    return {"file": str(path), "verdict": found.verdict, "reasons": list(found.reasons)}


def _print(found: list[tuple[Path, Scan]]) -> None:
    for path, one in found:
        typer.echo(f"{_shown(str(path))}: {one.verdict}")
        for reason in one.reasons:
            typer.echo(f"  {_shown(reason)}")


def _shown(text: str) -> str:
    """Show text of an untrusted file without control characters, which terminals obey."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _sarif(found: list[tuple[Path, Scan]]) -> dict[str, Any]:
    from goalkeeper.environment import tool_version

    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "goalkeeper scan",
                        "version": tool_version(),
                        "rules": [
                            {"id": name, "shortDescription": {"text": text}}
                            for name, text in RULES.items()
                        ],
                    }
                },
                "results": [
                    _result(path, one) for path, one in found if one.verdict != "clean"
                ],
            }
        ],
    }  # fmt: skip


def _result(path: Path, found: Scan) -> dict[str, Any]:
    return {
        "ruleId": found.verdict,
        "level": LEVELS[found.verdict],
        "message": {"text": found.describe()},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}}},
        ],
    }


def _uri(path: Path) -> str:
    from urllib.parse import quote

    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
