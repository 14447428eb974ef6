"""Options that belong together: a verb asks for the group and gets one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from goalkeeper.cli import amounts

if TYPE_CHECKING:
    from goalkeeper.compute.executor import Execution
    from goalkeeper.core.means import Means

Result = TypeVar("Result")

Place = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Store to use; default: $GOALKEEPER_STORE, else the user's cache folder.",
        show_default=False,
    ),
]


def grouped(
    **groups: Callable[..., Any],
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Let each named parameter of a verb be made by a function from options of its own.

    The verb then has the function's options in the place of the parameter.
    """

    def decorated(verb: Callable[..., Result]) -> Callable[..., Result]:
        own = {name: _parameters(group) for name, group in groups.items()}
        verbs = _parameters(verb, without=set(groups))

        @functools.wraps(verb)
        def wrapper(**given: Any) -> Result:
            made = {
                name: group(**{option: given.pop(option) for option in own[name]})
                for name, group in groups.items()
            }
            return verb(**given, **made)

        every: list[inspect.Parameter] = []
        for name in inspect.signature(verb).parameters:
            every += own[name].values() if name in own else [verbs[name]]
        wrapper.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in every}
        return wrapper

    return decorated


def _parameters(
    function: Callable[..., Any], without: frozenset[str] | set[str] = frozenset()
) -> dict[str, inspect.Parameter]:
    """Read parameters as keywords, with their types; those of `without` are made elsewhere."""
    found = inspect.signature(function).parameters
    said = {name: p.annotation for name, p in found.items() if name not in without}
    hints = get_type_hints(
        SimpleNamespace(__annotations__=said),
        globalns=inspect.getmodule(function).__dict__,
        include_extras=True,
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return {name: found[name].replace(annotation=hints[name], kind=kind) for name in said}


def execution(
    executor: Annotated[
        str,
        typer.Option(
            "--executor",
            help="What runs the plays: inline (this process), local (worker processes), dask, or "
            "that of a plug-in; default: what fits. See: goalkeeper doctor.",
            show_default=False,
        ),
    ] = "",
    scheduler: Annotated[
        str,
        typer.Option(
            "--scheduler",
            help="Address of a running Dask scheduler, e.g. tcp://10.0.0.5:8786. Every worker "
            "must reach the application file under the same path.",
            show_default=False,
        ),
    ] = "",
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", help="Worker processes on this machine; default: one a core.", min=0
        ),
    ] = 0,
    unit_time: Annotated[
        str,
        typer.Option(
            "--unit-time",
            help="End a play after this long, e.g. 10m: it failed to run, the rest goes on.",
            show_default=False,
        ),
    ] = "",
    unit_memory: Annotated[
        str,
        typer.Option(
            "--unit-memory",
            help="End a play whose worker takes more memory than this, e.g. 4G.",
            show_default=False,
        ),
    ] = "",
) -> Execution:
    """Gather how plays are run."""
    from goalkeeper.compute.executor import Execution, Limits

    limits = Limits(
        seconds=amounts.seconds(unit_time, "--unit-time"),
        memory=amounts.size(unit_memory, "--unit-memory"),
    )
    return Execution(executor=executor, jobs=jobs, scheduler=scheduler, limits=limits)


def means(
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            help="full, or fast: float32 for naive Bayes and logistic regression, bfloat16 for "
            "training networks where that is measured to be faster.",
        ),
    ] = "full",
    device: Annotated[
        str,
        typer.Option(
            "--device",
            help="Where networks compute: cpu, cuda, cuda:N, or auto: a GPU where there is one.",
        ),
    ] = "auto",
) -> Means:
    """Gather what this machine computes with; raises DescriptionError."""
    from goalkeeper.core.means import Means

    return Means(precision=precision, device=device)  # type: ignore[arg-type] # checked there


def store(
    store: Place = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Neither take plays from the store nor put any in.")
    ] = False,
) -> Path | bool:
    """Say which store finished plays are shared through: a folder, the default one, or none."""
    return False if no_store else store or True
