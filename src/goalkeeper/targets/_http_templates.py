"""What is sent to a service, and where its answers stand in what comes back."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain
from goalkeeper.core.errors import TargetError

MANY = {"{inputs}": "{input}", "{rows}": "{row}", "{pngs}": "{png}"}  # a list of which each is one
ONE = frozenset(MANY.values())
_HOLDER = re.compile(r"\{(?:inputs|rows|pngs|input|row|png)\}")
_STEP = re.compile(r"""\.?([^.\[\]"'\s]+)|\[(\*|-?\d+)\]|\[(?:"([^"]*)"|'([^']*)')\]""")


# ---- what is sent --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RequestTemplate:
    """A JSON value with places for inputs.

    `{inputs}`, `{rows}` and `{pngs}` stand for a list of all inputs of a request; `{input}`,
    `{row}` and `{png}` for one: a list whose only entry holds one of these is repeated for every
    input, and anywhere else the request takes a single input.
    """

    value: Any

    def holders(self) -> list[str]:
        """List the places for inputs, in order."""
        return _HOLDER.findall(json.dumps(self.value))

    @property
    def takes_many(self) -> bool:
        """Whether a request may hold several inputs."""
        return any(name in MANY for name in self.holders()) or _repeats(self.value)

    def problem(self) -> str:
        """Say why no request can be made of it; empty if one can."""
        found = self.holders()
        if not found:
            return "the request has no place for the inputs"
        if len(set(found)) > 1:
            return f"the request mixes {' and '.join(sorted(set(found)))}"
        if found[0] in MANY and not _whole(self.value, found[0]):
            return f"{found[0]} is a list, so it must stand alone, not inside a text"
        return ""

    def fill(self, inputs: Sequence[Any]) -> bytes:
        """Return the body of a request for inputs; each is a JSON value, see `json_inputs`."""
        try:
            return json.dumps(_filled(self.value, list(inputs)), allow_nan=False).encode()
        except ValueError as error:
            raise TargetError("an input is infinite, which JSON cannot say") from error


def _repeats(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_repeats(part) for part in value.values())
    if not isinstance(value, list):
        return False
    return _repeated(value) or any(_repeats(part) for part in value)


def _repeated(value: list[Any]) -> bool:
    """Tell whether a list has one entry, which is to stand there once for every input."""
    return len(value) == 1 and bool(set(_HOLDER.findall(json.dumps(value))) & ONE)


def _whole(value: Any, name: str) -> bool:
    if isinstance(value, dict):
        return all(_whole(part, name) for part in value.values())
    if isinstance(value, list):
        return all(_whole(part, name) for part in value)
    return not isinstance(value, str) or value == name or name not in value


def _filled(value: Any, inputs: list[Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(part, inputs) for key, part in value.items()}
    if isinstance(value, list):
        if _repeated(value):
            return [_filled(value[0], [each]) for each in inputs]
        return [_filled(part, inputs) for part in value]
    if not isinstance(value, str):
        return value
    if value in MANY:
        return inputs
    if value in ONE:
        return inputs[0]
    return _HOLDER.sub(lambda _: _inside(inputs[0]), value)


def _inside(one: Any) -> str:
    """Write an input inside of a text, such as a prompt."""
    return one if isinstance(one, str) else json.dumps(one)


def json_inputs(values: Any, domain: Domain, holder: str) -> list[Any]:
    """Turn inputs, as a function would get them, into the JSON values that the place wants.

    Texts are strings. Rows are lists in the order of the columns, or, for `{rows}` and `{row}`,
    mappings of column names; missing values are null. Images are nested lists
    (channels, height, width), or, for `{pngs}` and `{png}`, PNG files in base64.
    """
    one = MANY.get(holder, holder)
    if one == "{row}" and not isinstance(domain, TableDomain):
        raise TargetError(f"{holder} is for rows of a table, but inputs are {domain.kind}s")
    if one == "{png}" and not isinstance(domain, ImageDomain):
        raise TargetError(f"{holder} is for images, but inputs are {domain.kind}s")
    if isinstance(domain, ImageDomain):
        images = np.asarray(values).reshape(len(values), *domain.shape)
        return [_png(image, domain) for image in images] if one == "{png}" else images.tolist()
    if not isinstance(domain, TableDomain):
        return [str(text) for text in values]
    rows = values.itertuples(index=False, name=None) if hasattr(values, "itertuples") else values
    lists = [[_plain(cell) for cell in row] for row in rows]
    if one != "{row}":
        return lists
    names = [column.name for column in domain.columns]
    return [dict(zip(names, row, strict=True)) for row in lists]


def _plain(cell: Any) -> Any:
    """Turn a cell into a JSON value; what is missing becomes null."""
    import pandas as pd

    if pd.isna(cell):
        return None
    if hasattr(cell, "isoformat"):
        return cell.isoformat()
    value = cell.item() if isinstance(cell, np.generic) else cell
    return value if isinstance(value, str | bool | int | float) else str(value)


def _png(image: Floats, domain: ImageDomain) -> str:
    """Write an image `(channels, height, width)` as a PNG file with 8 bits a channel, in base64."""
    channels, height, width = domain.shape
    kinds = {1: 0, 3: 2, 4: 6}  # grey, colour, colour with opacity
    if channels not in kinds:
        raise TargetError(f"a PNG has 1, 3 or 4 channels, but the images have {channels}")
    scaled = (image - domain.low) / (domain.high - domain.low) * 255
    pixels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, kinds[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    file = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)
    return base64.b64encode(file).decode()


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


# ---- where the answers stand ---------------------------------------------------------------------


@dataclass(frozen=True)
class AnswerPath:
    """A path into JSON: names and numbers, e.g. `predictions[*].scores`; `[*]` is every entry."""

    text: str

    def steps(self) -> list[str | int]:
        """Split the path; raises ValueError where it is none."""
        rest = self.text.strip().removeprefix("$")
        found: list[str | int] = []
        while rest:
            match = _STEP.match(rest)
            if match is None:
                raise ValueError(f"{rest!r} is not a name or a number in brackets")
            name, number, *quoted = match.groups()
            if number is not None:
                found.append("*" if number == "*" else int(number))
            else:
                found.append(name if name is not None else next(q for q in quoted if q is not None))
            rest = rest[match.end() :]
        return found

    @cached_property
    def _steps(self) -> list[str | int]:
        return self.steps()

    def find(self, value: Any) -> Any:
        """Return what stands there; raises TargetError, with what stands where the path ends."""
        return _found(value, self._steps, "")


def _found(value: Any, steps: list[str | int], before: str) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    here = before or "the top"
    if step == "*" and isinstance(value, list):
        return [_found(part, rest, f"{before}[{i}]") for i, part in enumerate(value)]
    if isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
        return _found(value[step], rest, f"{before}[{step}]")
    if step != "*" and isinstance(step, str) and isinstance(value, dict) and step in value:
        return _found(value[step], rest, f"{before}.{step}".lstrip("."))
    wanted = "a list" if step == "*" or isinstance(step, int) else f"the key {step!r}"
    raise TargetError(f"{wanted} was expected at {here} of the answer, but there is {_seen(value)}")


def _seen(value: Any) -> str:
    if isinstance(value, dict):
        names = [str(name)[:40] for name in list(value)[:6]]
        return f"a mapping with the keys {', '.join(names)}" if names else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "null" if value is None else f"a {type(value).__name__}"
