"""`goalkeeper report`: render the assessment in another format."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import Annotated

import typer

from goalkeeper.cli.common import Folder, explain_write_errors, read_assessment, read_run_value

SCHEMA = "schema"
# By their files: the package of the report, with its templates, would slow every --help down.
_RENDERERS = Path(__file__).parents[1] / "report" / "renderers"
_FORMATS = ", ".join(module.name for module in pkgutil.iter_modules([str(_RENDERERS)]))


def report(
    folder: Folder,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help=f"What to write: {_FORMATS}, the format of a plug-in, or {SCHEMA}, the JSON "
            "Schema of the assessment.",
        ),
    ] = "html",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Output file; default: standard output.")
    ] = None,
    show_private: Annotated[
        bool,
        typer.Option(
            "--show-private", help="Show examples of training data and the names of people."
        ),
    ] = False,
) -> None:
    """Render the assessment of a run folder in a format of the report, or print its JSON Schema."""
    text = _render(folder, form, show_private=show_private)
    if output is None:
        typer.echo(text, nl=False)
        return
    with explain_write_errors(output):
        output.write_text(text, encoding="utf-8")
    typer.echo(f"written: {output}")


def _render(folder: Path, form: str, *, show_private: bool) -> str:
    import json
    from dataclasses import replace

    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.policy import default_policy
    from goalkeeper.report import renderers, schema
    from goalkeeper.running import frameworks_of, report_context

    if form == SCHEMA:
        return json.dumps(schema(), indent=1) + "\n"
    if form not in renderers():
        raise DescriptionError(
            "there is no such format",
            key="--format",
            expected="one of " + ", ".join([*renderers(), SCHEMA]),
            given=form,
        )
    about = report_context(
        default_policy(),
        file=read_run_value(folder, "file"),
        show_private=show_private,
        person=read_run_value(folder, "person"),
    )
    about = replace(about, frameworks=frameworks_of(folder))
    return renderers()[form]().render(read_assessment(folder), about)
