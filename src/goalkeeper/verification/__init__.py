"""Verify a run folder: what its files are, what follows from its evidence, and who signed it."""

from goalkeeper.verification.keys import Signer, fingerprint, make_key, read_public, read_signer
from goalkeeper.verification.result import Signature, Verification
from goalkeeper.verification.sealing import sign
from goalkeeper.verification.whole import verify

__all__ = [
    "Signature",
    "Signer",
    "Verification",
    "fingerprint",
    "make_key",
    "read_public",
    "read_signer",
    "sign",
    "verify",
]
