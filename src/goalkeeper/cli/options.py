"""Groups of options: a verb takes one parameter for each group."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from goalkeeper.cli import amounts
from goalkeeper.core.noticeboard import BOARD

if TYPE_CHECKING:
    from goalkeeper.compute.executor import Execution
    from goalkeeper.core.compute_settings import ComputeSettings

Result = TypeVar("Result")

Place = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Folder of the store; default: $GOALKEEPER_STORE, else in the user's cache folder.",
        show_default=False,
    ),
]


UnitMemory = Annotated[
    str,
    typer.Option(
        "--unit-memory",
        help="Memory limit per worker, e.g. 4G. An attack run over it counts as failed; the "
        "others continue.",
        show_default=False,
    ),
]
CallTime = Annotated[
    str,
    typer.Option(
        "--call-time",
        help="Time limit for one call of your code: model, data, build or training, e.g. 10m; "
        "default: 2m for an answer (2 s an input if that is more), 10m for import and data, 1h "
        "for build, none for a training.",
        show_default=False,
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory",
        help="Memory limit of the command with all its processes, e.g. 8G; default: what the "
        "machine has.",
        show_default=False,
    ),
]


def option_groups(
    **groups: Callable[..., Any],
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Replace each named parameter of a verb by the options of a function that creates it."""

    def decorated(verb: Callable[..., Result]) -> Callable[..., Result]:
        group_parameters = {name: _parameters(group) for name, group in groups.items()}
        verbs = _parameters(verb, without=set(groups))

        @functools.wraps(verb)
        def wrapper(**given: Any) -> Result:
            made = {
                name: group(**{option: given.pop(option) for option in group_parameters[name]})
                for name, group in groups.items()
            }
            return verb(**given, **made)

        every: list[inspect.Parameter] = []
        for name in inspect.signature(verb).parameters:
            every += group_parameters[name].values() if name in group_parameters else [verbs[name]]
        wrapper.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in every}
        return wrapper

    return decorated


def _parameters(
    function: Callable[..., Any], without: frozenset[str] | set[str] = frozenset()
) -> dict[str, inspect.Parameter]:
    """Return the parameters as keyword-only, with their types, except those in `without`."""
    found = inspect.signature(function).parameters
    annotations = {name: p.annotation for name, p in found.items() if name not in without}
    hints = get_type_hints(
        SimpleNamespace(__annotations__=annotations),
        globalns=inspect.getmodule(function).__dict__,
        include_extras=True,
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return {name: found[name].replace(annotation=hints[name], kind=kind) for name in annotations}


def collect_execution(
    executor: Annotated[
        str,
        typer.Option(
            "--executor",
            help="How to execute attack runs: inline (in this process), local (worker processes), "
            "dask, or the name of a plug-in; default: chosen automatically. "
            "goalkeeper doctor lists them.",
            show_default=False,
        ),
    ] = "",
    scheduler: Annotated[
        str,
        typer.Option(
            "--scheduler",
            help="Address of a running Dask scheduler, e.g. tls://10.0.0.5:8786. Every worker "
            "must reach the application file under the same path. A scheduler without TLS "
            "(tcp://) is unauthenticated: anybody who reaches it can run code as the user of "
            "its workers.",
            show_default=False,
        ),
    ] = "",
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            help="Worker processes on this machine; default: one per core.",
            min=0,
            show_default=False,
        ),
    ] = 0,
    unit_time: Annotated[
        str,
        typer.Option(
            "--unit-time",
            help="Time limit per attack run, e.g. 10m. One over it counts as failed; the others "
            "continue.",
            show_default=False,
        ),
    ] = "",
    unit_memory: UnitMemory = "",
    call_time: CallTime = "",
    memory: Memory = "",
) -> Execution:
    """Collect how attack runs are executed."""
    from goalkeeper.compute.executor import Execution, Limits

    limits = Limits(
        call=limit_user_code(call_time, memory),
        seconds=amounts.parse_seconds(unit_time, "--unit-time"),
        memory=amounts.parse_size(unit_memory, "--unit-memory"),
    )
    return Execution(
        executor=executor, jobs=jobs, scheduler=scheduler, limits=limits, apart=BOARD.shared
    )


def limit_user_code(call_time: str, memory: str) -> float:
    """Let the supervisor enforce the limits; returns the seconds of a call, 0 for the defaults."""
    seconds = amounts.parse_seconds(call_time, "--call-time") if call_time else 0.0
    BOARD.limit(seconds, amounts.parse_size(memory, "--memory") if memory else 0.0)
    return seconds


def collect_compute(
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            help="full, or fast: float32 for naive Bayes and logistic regression, and bfloat16 for "
            "training networks if that is faster on this machine.",
        ),
    ] = "full",
    device: Annotated[
        str,
        typer.Option(
            "--device",
            help="Device for networks: cpu, cuda, cuda:N, or auto (a GPU if there is one).",
        ),
    ] = "auto",
) -> ComputeSettings:
    """Collect precision and device; raises DescriptionError."""
    from goalkeeper.core.compute_settings import ComputeSettings

    return ComputeSettings(precision=precision, device=device)  # type: ignore[arg-type] # checked there


def choose_store(
    store: Place = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Do not use the store, neither reading nor writing.")
    ] = False,
) -> Path | bool:
    """Choose the store that shares finished attack runs: a folder, the default one, or none."""
    return False if no_store else store or True
