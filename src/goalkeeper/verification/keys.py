"""Ed25519 keys: read from PEM and OpenSSH files, made, and named by their fingerprints."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.private import FILE_MODE

if TYPE_CHECKING:  # imported where it is used: most commands sign nothing
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASSPHRASE = "GOALKEEPER_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
LARGEST_KEY = 64 << 10
OPENSSH_PRIVATE = b"-----BEGIN OPENSSH PRIVATE KEY-----"
MAKE = "make a pair of keys with: goalkeeper sign --new-key FILE"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The 32 bytes of a public key."""

    raw: bytes

    def __str__(self) -> str:
        return fingerprint(self.raw)

    def proves(self, signature: bytes, message: bytes) -> bool:
        """Return whether a signature of a message was made with the private half."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and the public one that belongs to it."""

    private: Ed25519PrivateKey
    public: PublicKey

    def __repr__(self) -> str:
        return f"Signer({self.public})"


def fingerprint(raw: bytes) -> str:
    """Name a public key as OpenSSH does: `ssh-keygen -l` shows the same."""
    parts = (b"ssh-ed25519", raw)
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    digest = base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=")
    return f"SHA256:{digest.decode()}"


def read_public(path: Path) -> PublicKey:
    """Read a public key from a PEM or OpenSSH file; raises DescriptionError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    content = _read(path)
    if b"PRIVATE KEY-----" in content:
        raise _refuse(path, "is a private key", "give the public half, which may be shown to all")
    try:
        if content.startswith(b"-----BEGIN"):
            key: Any = serialization.load_pem_public_key(content)
        else:
            key = serialization.load_ssh_public_key(content.strip())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _refuse(path, "is no public key in PEM or OpenSSH format", MAKE) from error
    return _public(key, path)


def read_signer(path: Path, ask: Callable[[], str] | None = None) -> Signer:
    """Read a private key from a PEM (PKCS 8) or OpenSSH file.

    Parameters
    ----------
    path
        The file.
    ask
        Asks a person for the passphrase, where the variable `GOALKEEPER_KEY_PASSPHRASE` has none;
        None: nobody can be asked.

    Raises
    ------
    DescriptionError
        The file cannot be read, holds another kind of key, or the passphrase is missing or wrong.
    """
    content = _read(path)
    if b"PRIVATE KEY-----" not in content:
        raise _refuse(path, "is no private key in PEM or OpenSSH format", MAKE)
    given = os.environ.get(PASSPHRASE)
    try:
        key = _load(content, None, path)
    except TypeError:  # it has a passphrase
        if given is None and ask is None:
            raise _refuse(path, "has a passphrase", f"set {PASSPHRASE}") from None
        phrase = given if given is not None else ask() if ask else ""
        key = _load(content, phrase.encode(), path)
    public = _public(key.public_key(), path)
    return Signer(key, public)


def _load(content: bytes, phrase: bytes | None, path: Path) -> Any:
    """Load a private key; raises TypeError where it has a passphrase and none is given."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    openssh = content.lstrip().startswith(OPENSSH_PRIVATE)
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:
        return load(content, phrase)
    except UnsupportedAlgorithm as error:
        if "bcrypt" in str(error):
            advice = "pip install bcrypt"
            raise _refuse(path, "has a passphrase, and bcrypt is missing", advice) from error
        raise _refuse(path, f"cannot be used ({error})", MAKE) from error
    except ValueError as error:
        if phrase is None and "encrypted" in str(error).lower():
            raise TypeError from error
        what = "cannot be read" if phrase is None else "cannot be read: the passphrase is wrong"
        raise _refuse(path, what, MAKE if phrase is None else f"check {PASSPHRASE}") from error


def make_key(path: Path) -> PublicKey:
    """Make a pair of keys: the private one in a new file, the public one in `FILE.pub`.

    Both are PEM files that only their owner can read. The private one is encrypted if the variable
    `GOALKEEPER_KEY_PASSPHRASE` is set.

    Raises
    ------
    DescriptionError
        A file is there already, or none can be made.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    phrase = os.environ.get(PASSPHRASE, "").encode()
    how = form.BestAvailableEncryption(phrase) if phrase else form.NoEncryption()
    secret = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, how)
    public = private.public_key()
    shown = public.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    beside = path.with_name(f"{path.name}.pub")
    for place in (path, beside):
        if os.path.lexists(place):
            raise _refuse(place, "is there already, and no key is overwritten", "name another file")
    _write_new(path, secret)
    _write_new(beside, shown)
    return _public(public, path)


def _write_new(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, FILE_MODE)
            file.write(content)
    except OSError as error:
        raise _refuse(path, f"cannot be written ({error.strerror})", "name another file") from error


def _public(key: Any, path: Path) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not isinstance(key, Ed25519PublicKey):
        kind = type(key).__name__.removesuffix("PublicKey")
        raise _refuse(path, f"is a key for {kind}, and only Ed25519 keys sign runs", MAKE)
    return PublicKey(key.public_bytes_raw())


def _read(path: Path) -> bytes:
    """Read the file of a key, if it is a small one and no pipe that nobody writes to."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_KEY:
            raise _refuse(path, "is no file of a key", MAKE)
        return path.read_bytes()
    except OSError as error:
        raise _refuse(path, f"cannot be read ({error.strerror})", MAKE) from error


def _refuse(path: Path, what: str, advice: str) -> DescriptionError:
    return DescriptionError(f"{path} {what}", key="--key", advice=advice)
