"""Small, offline example applications: each runs without a download."""

from __future__ import annotations

import json
from dataclasses import asdict
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from goalkeeper.core.errors import DescriptionError

NAMES = ("spam-filter",)

__all__ = ["NAMES", "write_example", "write_template"]


def write_example(name: str, folder: Path, *, seed: int = 0, mails: int = 3000) -> Path:
    """Write an example as files that a user can edit; return the application file.

    Parameters
    ----------
    name
        One of `NAMES`.
    folder
        Where to; made if it does not exist.
    seed, mails
        Which mailbox, and how many mails are in it.

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
    return _write_spam_filter(folder, seed, mails)


def write_template(folder: Path) -> Path:
    """Write an application file to fill in, its schema and a model; return the application file.

    Raises
    ------
    DescriptionError
        A file of the template already exists in the folder.
    """
    here = files("goalkeeper.examples")
    schema = files("goalkeeper.describe") / "application.schema.json"
    texts = {
        "application.yaml": (here / "template.yaml").read_text(encoding="utf-8"),
        "model.py": (here / "template_model.py").read_text(encoding="utf-8"),
        "application.schema.json": schema.read_text(encoding="utf-8"),
    }
    _refuse_overwriting(folder, list(texts))
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8", newline="\n")
    return folder / "application.yaml"


def _write_spam_filter(folder: Path, seed: int, mails: int) -> Path:
    from goalkeeper.examples.spam_filter.mail import generate

    package = files("goalkeeper.examples.spam_filter")
    texts = {
        "application.yaml": (package / "application.yaml").read_text(encoding="utf-8"),
        "filter.py": (package / "filter.py").read_text(encoding="utf-8"),
        "application.schema.json": (
            files("goalkeeper.describe") / "application.schema.json"
        ).read_text(encoding="utf-8"),
    }
    _refuse_overwriting(folder, [*texts, "mail.csv", "truth.json"])
    mailbox = generate(seed=seed, mails=mails)
    texts["mail.csv"] = mailbox.frame.to_csv(index=False, lineterminator="\n")
    truth = mailbox.truth
    known = {**asdict(truth), "log_odds": dict(truth.log_odds), "writer": truth.writer.tolist()}
    texts["truth.json"] = json.dumps(known, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8", newline="\n")
    return folder / "application.yaml"


def _refuse_overwriting(folder: Path, names: list[str]) -> None:
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise DescriptionError(
            f"{folder} already holds {there[0]}, which would be overwritten",
            expected="a new or empty folder",
            given=", ".join(there),
            advice="name another folder",
        )
