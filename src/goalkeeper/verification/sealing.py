"""Sign a run that verifies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from goalkeeper.compute.folder import ASSESSMENT, SIGNATURE, RunFolder
from goalkeeper.compute.snapshot import take
from goalkeeper.core.errors import StoreError
from goalkeeper.verification.keys import Signer
from goalkeeper.verification.result import Verification
from goalkeeper.verification.signing import PREFIX, signature_text
from goalkeeper.verification.whole import require_run, verify_snapshot


def sign(folder: Path | str, signer: Signer) -> Verification:
    """Verify a run folder and, if everything in it could be compared and is right, sign it.

    A signature that is there is replaced. What was verified is signed, and nothing that has taken
    its place meanwhile.

    Returns
    -------
    Verification
        What was found; nothing is signed unless it is `complete`.

    Raises
    ------
    StoreError
        The folder is not a finished run, the signature cannot be written, or the run was changed
        while it was signed.
    """
    root = Path(folder)
    require_run(root)
    snapshot = replace(take(root), signature=None)
    found = verify_snapshot(snapshot, source=str(root / ASSESSMENT))
    if not found.complete:
        return found
    signature = signer.private.sign(PREFIX + snapshot.manifest)
    RunFolder(root).write(SIGNATURE, signature_text(signer.public, signature))
    now = take(root)
    if now.manifest != snapshot.manifest or now.problems:
        raise StoreError(f"{root} was changed while it was signed; verify it, and sign it again")
    return verify_snapshot(now, signer.public)
