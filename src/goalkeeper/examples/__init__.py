"""Small, offline example applications: each runs without a download."""

from __future__ import annotations

import json
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from pathlib import Path

from goalkeeper.core.errors import DescriptionError

NAMES = ("spam-filter", "cancer-treatment", "digit-reader")

__all__ = ["NAMES", "write_example", "write_template"]


def write_example(
    name: str,
    folder: Path,
    *,
    seed: int = 0,
    size: int | None = None,
    hardened: bool = False,
) -> Path:
    """Write an example as files that a user can edit; return the application file.

    Parameters
    ----------
    name
        One of `NAMES`.
    folder
        Where to; made if it does not exist.
    seed, size
        Which records are invented, and how many (default: as many as the example has).
    hardened
        Whether to write the second description, of the hardened application, with its model.

    Raises
    ------
    DescriptionError
        There is no such example, or a file of the example already exists in the folder.
    """
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        raise DescriptionError(
            f"there is no example called {name}",
            expected="one of " + ", ".join(NAMES),
            given=name,
            advice=f"did you mean {near[0]}?" if near else "take one of these names",
        )
    package = f"goalkeeper.examples.{name.replace('-', '_')}"
    records = import_module(f"{package}.records")
    make = records.contents
    if hardened:  # an example may be hardened by more records, too
        make = getattr(records, "hardened_contents", make)
    described = _hardened(package) if hardened else _first(package)
    return _written(folder, {**described, **_schema(), **make(seed, size)})


def _first(package: str) -> dict[str, bytes]:
    """Read the files of the first description: application files and model."""
    return {
        entry.name: entry.read_bytes()
        for entry in files(package).iterdir()
        if entry.name != "hardened.yaml"
        and (entry.name.endswith(".yaml") or entry.name in ("model.py", "filter.py"))
    }


def _hardened(package: str) -> dict[str, bytes]:
    """Read the files of the second description, under the name of every application file."""
    here = files(package)
    return {
        "application.yaml": (here / "hardened.yaml").read_bytes(),
        "hardened.py": (here / "hardened.py").read_bytes(),
    }


def write_template(folder: Path) -> Path:
    """Write an application file to fill in, its schema and a model; return the application file.

    Raises
    ------
    DescriptionError
        A file of the template already exists in the folder.
    """
    here = files("goalkeeper.examples")
    contents = {
        "application.yaml": (here / "template.yaml").read_bytes(),
        "model.py": (here / "template_model.py").read_bytes(),
        **_schema(),
    }
    return _written(folder, contents)


def _schema() -> dict[str, bytes]:
    """Write the schema for editors, with the kinds of models that are installed here."""
    from goalkeeper.describe import FILE_NAME, schema

    return {FILE_NAME: (json.dumps(schema(), indent=1) + "\n").encode()}


def _written(folder: Path, contents: dict[str, bytes]) -> Path:
    there = [name for name in contents if (folder / name).exists()]
    if there:
        raise DescriptionError(
            f"{folder} already holds {there[0]}, which would be overwritten",
            expected="a new or empty folder",
            given=", ".join(there),
            advice="name another folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder / "application.yaml"
