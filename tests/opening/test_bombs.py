"""Files that would take all memory or time are refused at once, by looking and by loading."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from goalkeeper.opening import Refused, Unreadable, limits, load, scan
from tests.opening.payloads import Code, call, literal, named, whole, zipped

MUCH = 1 << 26  # bytes of memory, at most
KIND = call(named("numpy", "dtype"), "f8", False, True)
EMPTY = call(named("numpy._core.multiarray", "_reconstruct"), named("numpy", "ndarray"), (0,), b"b")
WRAPPER = Code(named("joblib.numpy_pickle", "NumpyArrayWrapper").opcodes + b")\x81")
PLAIN = {"subclass": named("numpy", "ndarray"), "order": "C", "allow_mmap": False}


def built(instance: Code, state: object) -> bytes:
    return b"\x80\x04" + instance.opcodes + literal(state) + b"b."


def laughing(step: bytes, end: bytes) -> bytes:
    """Nest a tuple of the same tuple: short in the file, and 2 ** 200 long for a hash."""
    return b"\x80\x04)" + b"".join(b"q\x01h\x01" + step for _ in range(200)) + end


def repeated() -> bytes:
    """Copy the same large list again and again, by a few bytes each time."""
    keep = b"\x80\x04](" + b"K\x01" * 20_000 + b"eq\x010"
    one = named("builtins", "set").opcodes + b"q\x020"
    return keep + one + b"](" + b"h\x02h\x01\x85R" * 5_000 + b"e."


BOMBS: dict[str, bytes] = {
    "key of tuples": laughing(b"\x86", b"K\x01}\x94)K\x02s00}h\x01K\x01s."),
    "set of tuples": b"\x80\x04\x8f(" + laughing(b"\x86", b"\x90.")[2:],
    "deep key": b"\x80\x04})" + b"\x85" * 20_000 + b"Ns.",
    "bytes beyond the file": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"x.",
    "bytearray beyond the file": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"x.",
    "text beyond the file": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 63) + b"x.",
    "negative length": b"\x80\x02T" + struct.pack("<i", -5) + b".",
    "long beyond the file": b"\x80\x02\x8b" + struct.pack("<i", 1 << 30) + b".",
    "negative long": b"\x80\x02\x8b" + struct.pack("<i", -1) + b".",
    "long of many digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "frame beyond the file": b"\x80\x04\x95" + struct.pack("<Q", 1 << 50) + b"N.",
    "frame in a frame": b"\x80\x04\x95" + struct.pack("<Q", 20) + b"\x95" + bytes(8) + b"N.",
    "memo out of range": b"\x80\x04Nr\xff\xff\xff\xff.",
    "negative memo": b"Np-5\n.",
    "bytearray of a number": whole(call(named("builtins", "bytearray"), 1 << 30)),
    "list of a range": whole(
        call(named("builtins", "list"), call(named("builtins", "range"), 1 << 30))
    ),
    "copies": repeated(),
    "fraction": whole(call(named("fractions", "Fraction"), "1e99999999")),
    "array of 100 GB": built(EMPTY, (1, (12_500_000_000,), KIND, False, b"")),
    "empty items": built(
        EMPTY, (1, (1 << 62,), call(named("numpy", "dtype"), "V0", False, True), False, b"")
    ),
    "negative shape": built(EMPTY, (1, (-1, -8), KIND, False, bytes(64))),
    "reconstructed large": whole(
        call(
            named("numpy._core.multiarray", "_reconstruct"),
            named("numpy", "ndarray"), (1 << 30, 8), b"b",
        )
    ),
    "fewer objects than the shape": built(
        EMPTY, (1, (1000,), call(named("numpy", "dtype"), "O8", False, True), False, [1])
    ),
    "wrapper of 100 GB": built(WRAPPER, {**PLAIN, "dtype": KIND, "shape": (12_500_000_000,)}),
    "wrapper of no size": built(WRAPPER, {**PLAIN, "dtype": KIND, "shape": (1 << 62, 1 << 62)}),
    "type evaluated": whole(call(named("numpy", "dtype"), "f8," * 100_000, False, True)),
    "large type": whole(call(named("numpy", "dtype"), "V999999999999", False, True)),
    "field beyond the type": built(
        call(named("numpy", "dtype"), "V8", False, True),
        (3, "|", None, ("a",), {"a": (KIND, 1 << 20)}, 8, 1, 0),
    ),
    "cut off everywhere": pickle.dumps(list(range(1000)))[:-5],
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_little_memory(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises((Refused, Unreadable)):
            load(BOMBS[name])
        assert scan(BOMBS[name]).verdict != "clean"
        assert tracemalloc.get_traced_memory()[1] < MUCH + 4 * len(BOMBS[name])
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
def test_what_is_packed_is_unpacked_up_to_a_limit(
    compress: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UNPACKED", 1 << 24)
    bomb = compress(bytes(1 << 28))  # sixteen times as much as may be unpacked
    with pytest.raises((Refused, Unreadable), match=r"16 MiB are packed"):
        load(bomb)
    assert any("16 MiB are packed" in p for p in scan(bomb).problems)


def test_a_zip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNPACKED", 1 << 24)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(20):
            archive.writestr(f"{i}.bin", bytes(1 << 22))
    assert scan(stream.getvalue()).verdict == "unsafe"


def test_steps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STEPS", 1000)
    with pytest.raises(Refused, match="opcodes"):
        load(b"\x80\x04" + b"N0" * 2000 + b"N.")


@pytest.mark.parametrize("wrap", [gzip.compress, lambda c: zipped(inside=c)], ids=["gzip", "zip"])
def test_archives_in_archives_are_followed_a_few_times(wrap: Callable[[bytes], bytes]) -> None:
    content = pickle.dumps({"a": 1})
    for _ in range(8):
        content = wrap(content)
    assert scan(content).verdict == "unreadable"


def test_honest_large_files_are_loaded() -> None:
    words = {f"word {i}": i for i in range(50_000)}
    assert load(pickle.dumps(words)).model == words
    array = np.arange(200_000.0).reshape(2, -1)
    np.testing.assert_array_equal(load(pickle.dumps(array)).model, array)
    assert scan(pickle.dumps(array, 0)).verdict == "clean"


def test_deep_lists_are_read_and_dropped_again() -> None:
    content = b"\x80\x04" + b"](" * 20_000 + b"e" * 20_000 + b"."
    assert scan(content).verdict == "clean"
    assert len(load(content).model) == 1
