"""Pickles with code inside, written opcode by opcode; what they would run does no harm.

They are made as text and never loaded: what they call is named in bytes, not imported. Each is a
way in which hidden code was found in published model files, or slipped past a scanner.
"""

from __future__ import annotations

from collections.abc import Iterator

START, END = b"\x80\x04", b"."
DROP = b"0"  # forget what a call returned, so that the genuine model follows as if nothing were
# What is called, with which texts: module, name, arguments.
CALLS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("os", "system", ("true",)),
    ("posix", "system", ("true",)),
    ("nt", "system", ("rem",)),
    ("subprocess", "getoutput", ("true",)),
    ("subprocess", "Popen", ("true",)),
    ("builtins", "eval", ("0",)),
    ("builtins", "exec", ("pass",)),
    ("__builtin__", "eval", ("0",)),
    ("builtins", "__import__", ("this",)),
    ("importlib", "import_module", ("this",)),
    ("runpy", "run_module", ("this",)),
    ("pickle", "loads", ("N.",)),
    ("joblib", "load", ("model.joblib",)),
    ("ctypes", "CDLL", ("libc.so.6",)),
    ("urllib.request", "urlopen", ("http://localhost:9/",)),
    ("webbrowser", "open", ("about:blank",)),
    ("pydoc", "locate", ("this",)),
    ("timeit", "timeit", ("pass",)),
    ("code", "interact", ("",)),
    ("numpy.testing._private.utils", "runstring", ("pass", "")),
)


def write_text(value: str) -> bytes:
    """Write a short text."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def import_by_name(module: str, name: str) -> bytes:
    """Import by two texts on the stack (STACK_GLOBAL)."""
    return write_text(module) + write_text(name) + b"\x93"


def import_by_line(module: str, name: str) -> bytes:
    """Import by one line (GLOBAL)."""
    return f"c{module}\n{name}\n".encode()


def import_from_memo(module: str, name: str) -> bytes:
    """Import by texts that were put away earlier, among other things."""
    keep = write_text(name) + b"q\xf0" + DROP + write_text(module) + b"q\xf1" + DROP
    return keep + write_text("config") + DROP + b"h\xf1" + b"h\xf0" + b"\x93"


def call(function: bytes, arguments: tuple[str, ...]) -> bytes:
    """Call a function that is on the stack (REDUCE)."""
    return function + b"(" + b"".join(write_text(a) for a in arguments) + b"tR"


def payloads() -> Iterator[tuple[str, bytes]]:
    """Yield what each is and its opcodes; each leaves one value on the stack."""
    for module, name, arguments in CALLS:
        yield f"{module}.{name}", call(import_by_name(module, name), arguments)
    yield "os.system, plainly", call(import_by_line("os", "system"), ("true",))
    yield "os.system, from the memo", call(import_from_memo("os", "system"), ("true",))
    yield "os.system, as an instance", b"(" + write_text("true") + b"ios\nsystem\n"
    system = import_by_name("os", "system")
    yield "os.system, as an object", b"(" + system + write_text("true") + b"o"
    imported = call(import_by_name("builtins", "__import__"), ("os",))
    pair = imported + write_text("system") + b"\x86"  # TUPLE2
    chain = import_by_name("builtins", "getattr") + pair + b"R"
    yield "os.system, by getattr", call(chain, ("true",))


def hide(content: bytes, opcodes: bytes) -> bytes:
    """Write a pickle that runs opcodes first and then is the genuine model, if that is a pickle."""
    if content[:1] == b"\x80" and content[1:2] <= b"\x05":
        return content[:2] + opcodes + DROP + content[2:]
    return START + opcodes + END


def cut_off(opcodes: bytes) -> bytes:
    """Write a pickle that ends behind the call: loading it fails, but the call was made."""
    return START + opcodes + DROP + b"("
