"""Read the pickles of a file, one after the other, and what stands behind them."""

from __future__ import annotations

from typing import Any

from goalkeeper.opening.found import Found, Pickles
from goalkeeper.opening.limits import Refused, Unreadable
from goalkeeper.opening.machine import Machine
from goalkeeper.opening.symbols import Looking, Seen, Symbol

TORCH_MAGIC = 0x1950A86A20F9469CFC6C
TORCH_PICKLES = 5  # magic number, version, system, the object, the keys of its storages
_ITEM_SIZES = {
    "DoubleStorage": 8, "LongStorage": 8, "ComplexFloatStorage": 8, "ComplexDoubleStorage": 16,
    "FloatStorage": 4, "IntStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "ShortStorage": 2,
    "ByteStorage": 1, "CharStorage": 1, "BoolStorage": 1,
}  # fmt: skip


def read_pickles(content: bytes, found: Found, *, torch: bool = False) -> Pickles:
    """Read one pickle after the other, without loading any.

    Parameters
    ----------
    content
        Bytes that may be a pickle.
    found
        The rules, and what the file may cost.
    torch
        Whether this is the pickle of a torch archive, whose storages lie beside it.
    """
    pickles = Pickles(Seen())
    builder = Looking(found.rules, found.limits, pickles.seen)
    values: list[Any] = []
    place = 0
    while place < len(content) and len(values) < (TORCH_PICKLES if pickles.is_torch else 1 << 16):
        machine = Machine(content, place, builder)
        calls = pickles.seen.calls
        try:
            values.append(machine.run())
        except (Unreadable, Refused) as error:
            _stopped(pickles, error, content[place : place + 2], first=not values, calls=calls)
            break
        finally:
            pickles.arrays = [*pickles.arrays, *machine.arrays]
        place = machine.place
        pickles.end = pickles.end or place
        pickles.is_torch = values[0] == TORCH_MAGIC if isinstance(values[0], int) else False
    pickles.is_pickle = pickles.is_pickle or _is_pickle(pickles, content, values)
    if not pickles.is_pickle:
        return Pickles(Seen())
    if pickles.is_torch:
        place = _storages(pickles, content, place, values)
    elif pickles.seen.storages and not torch:
        pickles.unreadable.append("it fetches storages that are not in the file")
    if not pickles.unreadable and place < len(content):
        pickles.notes.append(
            f"{len(content) - place:,} bytes follow the pickle; no reader needs them"
        )
    return pickles


def _stopped(pickles: Pickles, error: Exception, start: bytes, *, first: bool, calls: int) -> None:
    """Judge bytes that could not be read to the end: what ran before the end would have run."""
    begun = start[:1] == b"\x80" and start[1:2] <= b"\x05"
    if isinstance(error, Refused):
        pickles.seen.problems.append(str(error))
    elif begun or pickles.seen.calls > calls:
        pickles.unreadable.append(str(error))
    if first:
        pickles.is_pickle = begun or pickles.seen.calls > calls or isinstance(error, Refused)


def _is_pickle(pickles: Pickles, content: bytes, values: list[Any]) -> bool:
    """Tell a pickle from a text or numbers that happen to be one, such as `N.`."""
    if not values:
        return False
    return (
        content[:1] == b"\x80"
        or bool(pickles.seen.names)
        or bool(pickles.seen.problems)
        or pickles.end == len(content)
    )


def _storages(pickles: Pickles, content: bytes, place: int, values: list[Any]) -> int:
    """Step over the raw numbers behind the pickles of torch's older format."""
    kinds = {key[2]: key[1] for key in pickles.seen.storages if isinstance(key[2], str)}
    keys = values[4] if len(values) == TORCH_PICKLES and isinstance(values[4], list) else []
    for key in keys:
        kind = kinds.get(key) if isinstance(key, str) else None
        item = _ITEM_SIZES.get(kind.name.name, 0) if isinstance(kind, Symbol) else 0
        place += 8 + item * int.from_bytes(content[place : place + 8], "little")
        if not item or place > len(content):
            pickles.unreadable.append("the numbers behind the pickles of torch cannot be read")
            return place
    return place
