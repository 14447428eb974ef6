"""What several verbs share: options, loading, and the console."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from goalkeeper.assessing import Session
    from goalkeeper.core.assessment import Assessment
    from goalkeeper.core.means import Means
    from goalkeeper.planning import Choice

File = Annotated[Path, typer.Argument(help="The application file (YAML).", show_default=False)]
Folder = Annotated[Path, typer.Argument(help="A run folder.", show_default=False)]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Keep to this goal, e.g. privacy; may be repeated."),
]
AttackerNames = Annotated[
    list[str] | None,
    typer.Option("--attacker", help="Keep to this attacker; may be repeated."),
]
AttackNames = Annotated[
    list[str] | None, typer.Option("--attack", help="Keep to this attack; may be repeated.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a setting: attack.key=value; may be repeated."),
]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same evidence.", min=0)]
Jobs = Annotated[int, typer.Option("--jobs", help="Worker processes; default: one a core.", min=0)]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]


def typed(*words: str | Path) -> str:
    """Write a command so that it can be pasted, whatever is in the file names."""
    return shlex.join(["goalkeeper", *map(str, words)])


def again() -> str:
    """Write the command that is running, with all its options."""
    return typed(*sys.argv[1:])


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell that a file or folder which the user named cannot be written."""
    from goalkeeper.core.errors import DescriptionError

    try:
        yield
    except OSError as error:
        raise DescriptionError(
            f"{path} cannot be written ({error.strerror})", advice="name another place"
        ) from error


def console(*, err: bool = False) -> Console:
    """Return a console that adapts to terminal, pipe and NO_COLOR."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:  # main() decides the exit code, not rich
            raise BrokenPipeError

    return Piped(stderr=err, highlight=False, soft_wrap=False)


def choice(
    only: Only = None,
    attacker: AttackerNames = None,
    attack: AttackNames = None,
    settings: Settings = None,
) -> Choice:
    """Read what the user chose; raises DescriptionError for a goal that does not exist."""
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.core.goals import Goal
    from goalkeeper.planning import Choice

    try:
        goals = tuple(Goal(name) for name in only or ())
    except ValueError as error:
        raise DescriptionError(
            "there is no such goal",
            key="--only",
            expected="one of " + ", ".join(Goal),
            given=", ".join(only or ()),
        ) from error
    return Choice(
        goals=goals,
        attackers=tuple(attacker or ()),
        attacks=tuple(attack or ()),
        settings=_settings(settings or []),
    )


def _settings(given: list[str]) -> dict[str, dict[str, object]]:
    from goalkeeper.core.errors import DescriptionError

    found: dict[str, dict[str, object]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        attack, dot, key = name.partition(".")
        if not (equals and dot and attack and key):
            raise DescriptionError(
                "a setting is not understood",
                key="--set",
                expected="attack.key=value",
                given=text,
                advice="see the settings with: goalkeeper list attacks --json",
            )
        found.setdefault(attack, {})[key] = _value(value)
    return found


def _value(text: str) -> object:
    import yaml

    from goalkeeper.core.errors import DescriptionError

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DescriptionError(
            "the value of a setting is not understood",
            key="--set",
            expected="a number, a word, or a list such as [1, 2]",
            given=text,
        ) from error


def session(file: Path, seed: int, chosen: Choice, means: Means | None = None) -> Session:
    """Load an application file, check its target, and plan."""
    from goalkeeper.assessing import load_session
    from goalkeeper.core.means import Means

    with quiet():
        return load_session(str(file), seed, chosen, means or Means())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the user's own code prints off standard output, which `--json` needs clean."""
    with redirect_stdout(sys.stderr):
        yield


def read(folder: Path) -> Assessment:
    """Read the assessment of a run folder; raises StoreError."""
    from goalkeeper.compute.folder import RunFolder

    return RunFolder(folder).assessment()


def recorded(folder: Path, key: str) -> str:
    """Read a text that a run wrote down in run.json; empty if it did not."""
    from goalkeeper.compute.folder import RunFolder

    value = RunFolder(folder).record().get(key)
    return value if isinstance(value, str) else ""
