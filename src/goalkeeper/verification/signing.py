"""The signature of a run: its format, and how one is judged.

`MANIFEST.sig` is a text of three lines: the name of the format, the public key and the signature,
both in Base64. Signed are a prefix, so that no signature made for something else counts here, and
the bytes of the manifest.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from goalkeeper.compute.folder import MANIFEST, SIGNATURE
from goalkeeper.compute.snapshot import Snapshot
from goalkeeper.verification.keys import PublicKey
from goalkeeper.verification.result import Signature

FORMAT = "goalkeeper-run-signature-v1"
PREFIX = f"{FORMAT}\n".encode()
CONTENT = re.compile(
    rf"{FORMAT}\nkey: ([A-Za-z0-9+/]{{43}}=)\nsignature: ([A-Za-z0-9+/]{{86}}==)\n", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of a signature, and why it does not count."""

    state: Signature
    key: str = ""
    problems: tuple[str, ...] = ()


def judge(snapshot: Snapshot, public: PublicKey | None) -> Judged:
    """Judge the signature of a run, by the key that must have made it if one is given."""
    if snapshot.signature is None:
        if public is None:
            return Judged(Signature.UNSIGNED)
        return Judged(Signature.UNSIGNED, "", (f"{SIGNATURE}: missing: the run is not signed",))
    parts = _parse(snapshot.signature)
    if parts is None:
        return _wrong("is not a signature of a run in the form that goalkeeper writes")
    signer, signature = parts
    if not signer.proves(signature, PREFIX + snapshot.manifest):
        return _wrong(f"does not fit {MANIFEST}: it was changed, or is of another run", signer)
    if public is None:
        return Judged(Signature.OTHER, str(signer))
    if signer != public:
        return _wrong(f"is by the key {signer}, and not by the given one, {public}", signer)
    return Judged(Signature.SIGNED, str(signer))


def _wrong(why: str, signer: PublicKey | None = None) -> Judged:
    key = "" if signer is None else str(signer)
    return Judged(Signature.WRONG, key, (f"{SIGNATURE}: {why}",))


def _parse(content: bytes) -> tuple[PublicKey, bytes] | None:
    try:
        found = CONTENT.fullmatch(content.decode("ascii"))
        if found is None:
            return None
        raw, signature = (base64.b64decode(part, validate=True) for part in found.groups())
    except (UnicodeDecodeError, binascii.Error):
        return None
    public = PublicKey(raw)
    # Base64 has several texts for some bytes; here one counts.
    return (public, signature) if signature_text(public, signature) == content else None


def signature_text(public: PublicKey, signature: bytes) -> bytes:
    """Return the content of the file of a signature."""
    key, proof = (base64.b64encode(part).decode() for part in (public.raw, signature))
    return f"{FORMAT}\nkey: {key}\nsignature: {proof}\n".encode()
