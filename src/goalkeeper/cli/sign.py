"""`goalkeeper sign`: sign a run that verifies, or make a pair of keys."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from goalkeeper.cli.common import shell_command
from goalkeeper.cli.exits import Exit
from goalkeeper.cli.verify import print_verification

OTHERS = 0o077


def sign(
    folder: Annotated[Path | None, typer.Argument(help="A run folder.", show_default=False)] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="Private key (Ed25519; PEM or OpenSSH). Its passphrase is taken from "
            "GOALKEEPER_KEY_PASSPHRASE, or asked for in a terminal.",
            show_default=False,
        ),
    ] = None,
    new_key: Annotated[
        Path | None,
        typer.Option(
            "--new-key",
            help="Make a pair of keys, FILE and FILE.pub, instead of signing a run.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Sign a run folder with a private key; `goalkeeper verify RUN --key PUBLIC` checks it.

    Only a run that verifies is signed. What is signed is the manifest, which has the hash of every
    file; the signature is a file of its own in the folder, MANIFEST.sig.
    """
    from goalkeeper.core.errors import DescriptionError

    if new_key is not None and folder is None and key is None:
        _make(new_key)
    elif folder is not None and key is not None and new_key is None:
        _sign(folder, key)
    else:
        raise DescriptionError(
            "a run and a key are needed, or a file for a new key",
            expected="RUN --key KEY, or --new-key FILE",
        )


def _make(path: Path) -> None:
    from goalkeeper.verification import make_key

    public = make_key(path)
    beside = path.with_name(f"{path.name}.pub")
    typer.echo(f"private key: {path} (keep it secret)")
    typer.echo(f"public key: {beside} ({public})")
    typer.echo(f"next: {shell_command('sign', 'RUN', '--key', path)}")


def _sign(folder: Path, key: Path) -> None:
    from goalkeeper.verification import read_signer
    from goalkeeper.verification import sign as sign_run

    ask = _ask if sys.stdin is not None and sys.stdin.isatty() else None
    signer = read_signer(key, ask)
    if key.stat().st_mode & OTHERS:
        typer.echo(f"warning: other users can read {key}; close it with: chmod 600 {key}", err=True)
    found = sign_run(folder, signer)
    if not found.complete:
        print_verification(folder, found)
        typer.echo(f"{folder} was not signed", err=True)
        raise typer.Exit(Exit.NOT_MET)
    typer.echo(f"{folder} is {found}")
    typer.echo(f"next: {shell_command('verify', folder, '--key', 'PUBLIC_KEY')}")


def _ask() -> str:
    return str(typer.prompt("passphrase", hide_input=True, err=True))
