"""Judge what came back from a service: an answer, something to try again, or an error."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from goalkeeper.core.errors import TargetError

LARGEST = 64 * 2**20  # bytes of a body, unpacked
SHOWN = 200  # characters of a body in an error
SHORT = 8  # characters: a shorter value, such as a port, may stand in an answer by chance
VISIBLE = 4  # characters: a shorter value is no secret, and replacing it would garble messages
SPLITS = frozenset({413})
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529})


class Transient(Exception):
    """Something that may pass; `wait` is how many seconds the service asked for, if it did."""

    def __init__(self, words: str, wait: float | None = None) -> None:
        super().__init__(words)
        self.words, self.wait = words, wait


class TooMuch(Exception):
    """The service takes smaller requests only."""


class Declined(Exception):
    """The service declines to answer."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Secrets:
    """Values that came from the environment, by the names of their variables."""

    values: Mapping[str, str] = field(default_factory=dict)

    def hidden(self, text: str) -> str:
        """Replace every secret in a text by the name of its variable."""
        for name, value in self.values.items():
            if len(value) >= VISIBLE:
                for form in (value, quote(value, safe=""), json.dumps(value)[1:-1]):
                    text = text.replace(form, f"${{{name}}}")
        return text

    def hidden_in_body(self, body: bytes) -> bytes:
        """Replace every secret that a service sends back, so that no answer can hold one."""
        for name, value in self.values.items():
            if len(value) >= SHORT:
                escaped = json.dumps(value)[1:-1]
                for form in {
                    value.encode(),
                    escaped.encode(),
                    escaped.replace("/", "\\/").encode(),
                }:
                    body = body.replace(form, f"${{{name}}}".encode())
        return body


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ServiceReply:
    """Status, headers (names in lower case) and body of what came back, without secrets."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def shown(self) -> str:
        """Return the beginning of the body on one line, for an error."""
        text = self.body[: 4 * SHOWN].decode("utf-8", errors="replace")
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text[:SHOWN] or "an empty body"


def unpacked(body: bytes, encoding: str) -> bytes:
    """Undo a compression, up to the largest size.

    Raises
    ------
    TargetError
        The body is larger, or compressed in a way that was not asked for.
    Transient
        It is damaged.
    """
    kinds = {"gzip": 31, "x-gzip": 31, "deflate": 15}
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in kinds:
        raise TargetError(f"it answers in the encoding {name[:40]!r}, which was not asked for")
    machine = zlib.decompressobj(kinds[name])
    damaged = False
    try:
        content = machine.decompress(body, LARGEST + 1)
    except zlib.error:
        content, damaged = b"", True
    if damaged or not (machine.eof or len(content) > LARGEST):
        raise Transient(f"the {name} body was damaged or cut off")
    if len(content) > LARGEST:
        raise too_large()
    return content


def too_large() -> TargetError:
    """Return the error for a body that is not read to its end."""
    return TargetError(f"its answer is larger than {LARGEST // 2**20} MiB")


def judged(reply: ServiceReply, inputs: int, variables: str) -> Any:
    """Return the JSON value of a reply to so many inputs.

    Parameters
    ----------
    reply
        What came back.
    inputs
        How many inputs the request held.
    variables
        The environment variables that the request uses, in words.

    Raises
    ------
    Transient, TooMuch
        It is to be tried again, or in parts.
    TargetError
        It is of no use; the text continues the name of the service.
    """
    status = reply.status
    if status in PASSING:
        raise Transient(f"it answered HTTP {status}: {reply.shown()}", _wait(reply))
    if status in SPLITS and inputs > 1:
        raise TooMuch
    if not 200 <= status < 300:
        raise TargetError(
            f"it answered HTTP {status}: {reply.shown()}; {_remedy(reply, variables)}"
        )
    return parsed(reply)


def parsed(reply: ServiceReply) -> Any:
    """Read a body as JSON; raises Transient where it is none, TargetError for NaN and nesting."""
    try:
        return json.loads(reply.body.decode("utf-8"), parse_constant=_refused)
    except RecursionError:
        words = "its answer is nested too deeply"
    except _NotANumber as found:
        words = f"its answer holds {found}, which is no JSON: the model gave no number"
    except UnicodeDecodeError:
        raise Transient("its answer is not UTF-8") from None
    except ValueError:
        kind = reply.headers.get("content-type", "no content type").partition(";")[0][:60]
        raise Transient(f"its answer is not valid JSON ({kind}): {reply.shown()}") from None
    raise TargetError(words)


class _NotANumber(Exception):
    pass


def _refused(constant: str) -> Any:
    raise _NotANumber(constant)


def _wait(reply: ServiceReply) -> float | None:
    """Return the seconds in Retry-After; a date counts from the date of the reply itself."""
    text = reply.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        then, now = (parsedate_to_datetime(t) for t in (text, reply.headers.get("date", "")))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _remedy(reply: ServiceReply, variables: str) -> str:
    status = reply.status
    if status in (401, 403):
        return f"check {variables} and model.http.headers"
    if status == 407:
        return "a proxy stands before it: give the address of the service itself"
    if status in (404, 410):
        return "check model.http.url"
    if status == 405:
        return "check model.http.method"
    if status == 413:
        return "it takes no input as long as this one: bound the inputs (data.max_chars)"
    if 300 <= status < 400:
        place = reply.headers.get("location", "")[:SHOWN]
        return f"redirects are not followed; if you trust {place or 'its target'}, make it the url"
    return "check model.http.request against what the service takes"
