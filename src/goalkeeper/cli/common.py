"""Shared by several verbs: options, loading, and the console."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from goalkeeper.assessing import Session
    from goalkeeper.core.assessment import Assessment
    from goalkeeper.core.compute_settings import ComputeSettings
    from goalkeeper.planning import Choice

PIPE_WIDTH = 160  # columns of a table where no terminal says how many there are

File = Annotated[Path, typer.Argument(help="The application file (YAML).", show_default=False)]
Folder = Annotated[Path, typer.Argument(help="A run folder.", show_default=False)]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Assess only this goal, e.g. privacy; may be repeated."),
]
AttackerNames = Annotated[
    list[str] | None,
    typer.Option("--attacker", help="Use only this attacker; may be repeated."),
]
AttackNames = Annotated[
    list[str] | None, typer.Option("--attack", help="Run only this attack; may be repeated.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a setting of an attack: attack.key=value; may be repeated."),
]
AllGoals = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Run also, after all others, attacks that count for no verdict: those on goals "
        "without a protection need, and those that rest on assumptions.",
    ),
]
Exhaustive = Annotated[
    bool,
    typer.Option(
        "--exhaustive",
        help="Run every attack of every attacker with the full sample, whether or not a verdict "
        "can still depend on it, without a time limit unless --time gives one.",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", help="Random seed: the same seed gives the same evidence.", min=0)
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", help="Worker processes; default: one per core.", min=0, show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]


def shell_command(*words: str | Path) -> str:
    """Quote a goalkeeper command so that it can be pasted into a shell."""
    return shlex.join(["goalkeeper", *map(str, words)])


def current_command() -> str:
    """Quote the command that is running, with all its options."""
    return shell_command(*sys.argv[1:])


def given_options(context: typer.Context, *, without: Collection[str] = ()) -> list[str]:
    """List the options that this command was given, as another command takes them.

    Parameters
    ----------
    without
        Names of parameters to leave out.
    """
    words = list[str]()
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        if not given or name in without or parameter.param_type_name != "option":
            continue
        option, value = parameter.opts[0], context.params[name]
        if isinstance(value, bool):
            words.append(option if value else parameter.secondary_opts[0])
        else:
            for each in value if isinstance(value, list | tuple) else [value]:
                words += [option, str(each)]
    return words


@contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Raise DescriptionError if a file or folder named by the user cannot be written."""
    from goalkeeper.core.errors import DescriptionError

    try:
        yield
    except OSError as error:
        raise DescriptionError(
            f"{path} cannot be written ({error.strerror})", advice="choose another path"
        ) from error


def make_console(*, err: bool = False) -> Console:
    """Return a console that adapts to terminal, pipe and NO_COLOR."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:  # main() decides the exit code, not rich
            raise BrokenPipeError

    return Piped(stderr=err, highlight=False, soft_wrap=False)


def print_table(table: Table, console: Console) -> None:
    """Print a table whose words are folded where they do not fit, and never cut."""
    for column in table.columns:
        column.overflow = "fold"
    if not console.is_terminal:  # a file or a pipe has room for names
        console.width = max(console.width, PIPE_WIDTH)
    console.print(table, markup=False)


@contextmanager
def spinner(text: str, *, silent: bool) -> Iterator[None]:
    """Show that something is under way; see `show_step`."""
    from goalkeeper.cli.steps import show_step

    with show_step(text, None if silent else make_console(err=True)):
        yield


def parse_choice(
    only: Only = None,
    attacker: AttackerNames = None,
    attack: AttackNames = None,
    settings: Settings = None,
    all_goals: AllGoals = False,
    exhaustive: Exhaustive = False,
) -> Choice:
    """Parse what the user selected; raises DescriptionError for an unknown goal."""
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.core.goals import Goal
    from goalkeeper.planning import Choice

    try:
        goals = tuple(Goal(name) for name in only or ())
    except ValueError as error:
        raise DescriptionError(
            "unknown goal",
            key="--only",
            expected="one of " + ", ".join(Goal),
            given=", ".join(only or ()),
        ) from error
    return Choice(
        goals=goals,
        attackers=tuple(attacker or ()),
        attacks=tuple(attack or ()),
        settings=_parse_settings(settings or []),
        all_goals=all_goals,
        exhaustive=exhaustive,
    )


def _parse_settings(given: list[str]) -> dict[str, dict[str, object]]:
    from goalkeeper.core.errors import DescriptionError

    found: dict[str, dict[str, object]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        attack, dot, key = name.partition(".")
        if not (equals and dot and attack and key):
            raise DescriptionError(
                "a setting cannot be parsed",
                key="--set",
                expected="attack.key=value",
                given=text,
                advice="list all settings with: goalkeeper list attacks --json",
            )
        found.setdefault(attack, {})[key] = _parse_value(value)
    return found


def _parse_value(text: str) -> object:
    import yaml

    from goalkeeper.core.errors import DescriptionError

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DescriptionError(
            "the value of a setting cannot be parsed",
            key="--set",
            expected="a number, a word, or a list such as [1, 2]",
            given=text,
        ) from error


def prepare_session(
    file: Path, seed: int, chosen: Choice, compute: ComputeSettings | None = None
) -> Session:
    """Load an application file, check its target, and plan."""
    from goalkeeper.assessing import load_session
    from goalkeeper.core.compute_settings import ComputeSettings

    with redirect_stdout_of_user_code():
        return load_session(str(file), seed, chosen, compute or ComputeSettings())


@contextmanager
def redirect_stdout_of_user_code() -> Iterator[None]:
    """Redirect output of the user's own code to standard error; `--json` needs a clean stdout."""
    with redirect_stdout(sys.stderr):
        yield


def read_assessment(folder: Path) -> Assessment:
    """Read the assessment of a run folder; raises StoreError."""
    from goalkeeper.compute.folder import RunFolder

    return RunFolder(folder).assessment()


def read_run_value(folder: Path, key: str) -> str:
    """Read a text that a run wrote down in run.json; empty if it did not."""
    from goalkeeper.compute.folder import RunFolder

    value = RunFolder(folder).record().get(key)
    return value if isinstance(value, str) else ""
