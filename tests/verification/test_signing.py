"""A signature says who vouches for a run, and for no other bytes than these."""

from __future__ import annotations

import base64
import json
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from goalkeeper.cli.exits import Exit
from goalkeeper.compute.folder import MANIFEST, REPORT, SIGNATURE
from goalkeeper.compute.snapshot import take
from goalkeeper.core.errors import DescriptionError
from goalkeeper.verification import (
    Signature,
    Signer,
    fingerprint,
    make_key,
    read_public,
    read_signer,
    sign,
    verify,
)
from goalkeeper.verification.keys import PASSPHRASE
from goalkeeper.verification.signing import PREFIX, judge, signature_text
from tests.cli.inline import inline
from tests.verification.making import change_assessment, rewrite, sealed

SECRET = "a long sentence"  # noqa: S105 - of a key that lives as long as its test


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key"
    make_key(path)
    return path


@pytest.fixture(scope="session")
def signed_once(finished: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("signed") / "run")
    assert sign(folder, read_signer(key))
    return folder


@pytest.fixture
def signed(signed_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(signed_once, tmp_path / "run")


def public_of(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def private_pem(key: Any, phrase: str = "", how: Any = form.PrivateFormat.PKCS8) -> bytes:
    locked = form.BestAvailableEncryption(phrase.encode()) if phrase else form.NoEncryption()
    return bytes(key.private_bytes(form.Encoding.PEM, how, locked))


# ---- what a signature proves ---------------------------------------------------------------------


def test_a_signed_run_says_by_whom(folder: Path, key: Path) -> None:
    done = inline("sign", folder, "--key", key)
    name = str(read_public(public_of(key)))
    assert done.code == Exit.MET
    assert f"is consistent; signed by {name}" in done.out
    checked = inline("verify", folder, "--key", public_of(key))
    assert checked.code == Exit.MET
    assert checked.out == f"{folder} verifies: consistent; signed by {name}\n"
    unknown = inline("verify", folder)
    assert unknown.code == Exit.MET
    assert f"signed, but by a key that was not given ({name})" in unknown.out
    as_json = json.loads(inline("verify", folder, "--key", public_of(key), "--json").out)
    assert as_json["signature"] == {"state": "signed", "key": name}


def test_where_a_key_is_given_an_unsigned_run_fails(folder: Path, key: Path) -> None:
    done = inline("verify", folder, "--key", public_of(key))
    assert done.code == Exit.NOT_MET
    assert "MANIFEST.sig: missing: the run is not signed" in done.out


def test_the_key_of_somebody_else_is_refused(signed: Path, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    found = verify(signed, key=tmp_path / "other.pub")
    assert found.signature is Signature.WRONG
    (line,) = found.problems
    assert line.endswith(f"and not by the given one, {other}")


Forge = Callable[[Path, Signer], object]


def put(folder: Path, signer: Signer, message: bytes) -> None:
    """Put a signature of any message into a run."""
    proof = signer.private.sign(message)
    (folder / SIGNATURE).write_bytes(signature_text(signer.public, proof))


def of_another_run(folder: Path, signer: Signer) -> None:
    put(folder, signer, PREFIX + (folder / MANIFEST).read_bytes().replace(b"a", b"b"))


def of_the_manifest_alone(folder: Path, signer: Signer) -> None:
    """A signature that was made for another purpose says nothing here."""
    put(folder, signer, (folder / MANIFEST).read_bytes())


def then_sealed_again(folder: Path, _signer: Signer) -> None:
    """Change the run after it was signed, and make everything fit but the signature."""
    content = (folder / SIGNATURE).read_bytes()
    (folder / REPORT).write_text("all is well")
    sealed(folder)
    (folder / SIGNATURE).write_bytes(content)


def changed(change: Callable[[bytes], bytes]) -> Forge:
    return lambda folder, _: (folder / SIGNATURE).write_bytes(
        change((folder / SIGNATURE).read_bytes())
    )


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (of_another_run, "does not fit MANIFEST.sha256: it was changed, or is of another run"),
        (of_the_manifest_alone, "does not fit MANIFEST.sha256"),
        (then_sealed_again, "does not fit MANIFEST.sha256"),
        (changed(lambda text: text[:-10] + b"AAAA" + text[-6:]), "does not fit"),
        (changed(lambda text: text[:-3] + b"\n"), "is not a signature of a run"),
        (changed(lambda text: text + b"\n"), "is not a signature of a run"),
        (changed(lambda text: b"\xff" + text), "is not a signature of a run"),
        (changed(lambda text: b""), "is not a signature of a run"),
        (changed(lambda text: text * 200), "bytes, and at most 16,384 are read"),
    ],
)
@pytest.mark.parametrize("given", [False, True])
def test_a_wrong_signature_is_refused_whether_or_not_a_key_is_given(
    signed: Path, key: Path, forge: Forge, said: str, *, given: bool
) -> None:
    signer = read_signer(key)
    forge(signed, signer)
    taken = take(signed)
    judged = judge(taken, signer.public if given else None)
    assert judged.state is not Signature.SIGNED
    problems = (*taken.problems, *judged.problems)
    assert said in problems[0]
    assert all(line.startswith(SIGNATURE) for line in problems)


def test_every_character_of_a_signature_counts(signed: Path) -> None:
    """Base64 has characters whose last bits stand for nothing: they count as well."""
    taken = take(signed)
    content = taken.signature or b""
    assert judge(taken, None).state is Signature.OTHER
    for at in range(len(content)):
        other = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        judged = judge(replace(taken, signature=other), None)
        assert judged.state is Signature.WRONG, f"byte {at}"


def test_what_was_signed_counts_where_this_version_cannot_compare(folder: Path, key: Path) -> None:
    """Whoever signed it has compared it: only a run that verifies is signed."""
    change_assessment(folder, lambda a: a["environment"].update(source="another"))
    rewrite(folder)
    (folder / REPORT).write_text("looked different then")
    sealed(folder)
    signer = read_signer(key)
    assert not sign(folder, signer)
    assert not (folder / SIGNATURE).exists()
    put(folder, signer, PREFIX + (folder / MANIFEST).read_bytes())
    assert inline("verify", folder).code == Exit.INCONCLUSIVE
    assert inline("verify", folder, "--key", public_of(key)).code == Exit.MET


def test_a_run_that_does_not_verify_is_not_signed(folder: Path, key: Path) -> None:
    (folder / REPORT).write_text("all is well")
    sealed(folder)
    done = inline("sign", folder, "--key", key)
    assert done.code == Exit.NOT_MET
    assert "report.html: is not the report of assessment.json" in done.out
    assert "was not signed" in done.err
    assert not (folder / SIGNATURE).exists()


def test_a_signature_ends_with_the_manifest_that_it_is_of(signed: Path) -> None:
    sealed(signed)
    assert (signed / SIGNATURE).exists()
    (signed / REPORT).write_text("another report")
    sealed(signed)
    assert not (signed / SIGNATURE).exists()


def test_other_tools_check_the_signature(signed: Path, key: Path, tmp_path: Path) -> None:
    """As the page tells: the format is plain, and nothing depends on goalkeeper."""
    tool = tool_named("openssl")
    if not output_of(tool, "version").startswith("OpenSSL 3"):
        pytest.skip("older versions do not sign long messages with Ed25519 keys")
    lines = (signed / SIGNATURE).read_text().splitlines()
    message = tmp_path / "message"
    message.write_bytes(f"{lines[0]}\n".encode() + (signed / MANIFEST).read_bytes())
    proof = tmp_path / "proof"
    proof.write_bytes(base64.b64decode(lines[2].removeprefix("signature: ")))
    words = ("pkeyutl", "-verify", "-pubin", "-inkey", public_of(key), "-rawin", "-in", message)
    assert "Signature Verified Successfully" in output_of(tool, *words, "-sigfile", proof)


def tool_named(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


def output_of(tool: str, *words: str | Path) -> str:
    return subprocess.run([tool, *words], capture_output=True, text=True, check=False).stdout


# ---- keys ----------------------------------------------------------------------------------------


def test_a_new_pair_is_for_its_owner_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    key = tmp_path / "key"
    done = inline("sign", "--new-key", key)
    assert done.code == Exit.MET
    assert str(read_public(public_of(key))) in done.out
    for path in (key, public_of(key)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = key.read_bytes()
    again = inline("sign", "--new-key", key)
    assert again.code == Exit.USAGE
    assert "is there already, and no key is overwritten" in again.err
    assert key.read_bytes() == before
    key.unlink()
    assert inline("sign", "--new-key", key).code == Exit.USAGE
    assert not key.exists()


def test_a_fingerprint_is_the_one_of_openssh(tmp_path: Path) -> None:
    tool = tool_named("ssh-keygen")
    made = Ed25519PrivateKey.generate().public_key()
    path = write(
        tmp_path / "id.pub", made.public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    )
    name = fingerprint(made.public_bytes_raw())
    assert output_of(tool, "-l", "-f", path).split()[1] == str(read_public(path)) == name


FORMATS = {"pem": form.PrivateFormat.PKCS8, "openssh": form.PrivateFormat.OpenSSH}


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("phrase", ["", SECRET])
def test_private_keys_are_read_with_and_without_a_passphrase(
    how: str, phrase: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "openssh" and phrase:
        pytest.importorskip("bcrypt", reason="OpenSSH keys with a passphrase need bcrypt")
    key = Ed25519PrivateKey.generate()
    path = write(tmp_path / "key", private_pem(key, phrase, FORMATS[how]))
    monkeypatch.delenv(PASSPHRASE, raising=False)
    raw = key.public_key().public_bytes_raw()
    if not phrase:
        assert read_signer(path).public.raw == raw
        return
    with pytest.raises(DescriptionError, match=f"has a passphrase(.|\n)*set {PASSPHRASE}"):
        read_signer(path)
    assert read_signer(path, lambda: SECRET).public.raw == raw
    monkeypatch.setenv(PASSPHRASE, SECRET)
    assert read_signer(path).public.raw == raw
    monkeypatch.setenv(PASSPHRASE, "wrong")
    with pytest.raises(DescriptionError, match="the passphrase is wrong"):
        read_signer(path)


def test_a_new_key_has_the_passphrase_of_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, SECRET)
    public = make_key(tmp_path / "key")
    assert read_signer(tmp_path / "key").public == public
    monkeypatch.delenv(PASSPHRASE)
    with pytest.raises(DescriptionError, match="has a passphrase"):
        read_signer(tmp_path / "key")


OTHER_KINDS: dict[str, Callable[[], Any]] = {
    "EC": lambda: ec_key(SECP256R1()),
    "Ed448": Ed448PrivateKey.generate,
    "X25519": X25519PrivateKey.generate,
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_other_kinds_of_keys_are_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    key = OTHER_KINDS[kind]()
    private = write(tmp_path / "key", private_pem(key))
    public = write(
        tmp_path / "key.pub",
        key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo),
    )
    said = f"is a key for {kind}, and only Ed25519 keys sign runs"
    with pytest.raises(DescriptionError, match=said):
        read_signer(private)
    with pytest.raises(DescriptionError, match=said):
        read_public(public)


def test_what_is_no_key_is_refused(folder: Path, key: Path, tmp_path: Path) -> None:
    text = write(tmp_path / "text", b"hello")
    damaged = write(tmp_path / "damaged", key.read_bytes().replace(b"M", b"!", 1))
    for path, said in (
        (text, "is no private key"),
        (damaged, "cannot be read"),
        (public_of(key), "is no private key"),
        (tmp_path, "is no file of a key"),
        (tmp_path / "none", "cannot be read (No such file or directory)"),
    ):
        done = inline("sign", folder, "--key", path)
        assert done.code == Exit.USAGE
        assert f"{path} {said}" in done.err
        assert "Traceback" not in done.err
    for path, said in ((text, "is no public key"), (key, "is a private key")):
        done = inline("verify", folder, "--key", path)
        assert done.code == Exit.USAGE
        assert f"{path} {said}" in done.err


def test_a_key_that_others_can_read_gives_a_warning(key: Path, tmp_path: Path) -> None:
    key = Path(shutil.copy(key, tmp_path / "open"))
    key.chmod(0o644)
    done = inline("sign", tmp_path / "no-run", "--key", key)
    assert f"warning: other users can read {key}" in done.err


@pytest.mark.parametrize("words", [(), ("run",), ("--key", "k"), ("run", "--new-key", "k")])
def test_sign_says_what_it_needs(words: tuple[str, ...], tmp_path: Path) -> None:
    done = inline("sign", *words, cwd=tmp_path)
    assert done.code == Exit.USAGE
    assert "RUN --key KEY, or --new-key FILE" in done.err


def test_a_signer_does_not_show_its_key(key: Path) -> None:
    signer = read_signer(key)
    assert isinstance(signer, Signer)
    assert repr(signer) == f"Signer({signer.public})"
