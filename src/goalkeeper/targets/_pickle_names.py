"""Names that a pickle may hold: harmless ones by an exact list, dangerous ones, and all others."""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

Verdict = Literal["harmless", "dangerous", "unknown"]


class Name(NamedTuple):
    """What a pickle imports."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


_NUMPY = "_reconstruct scalar"
_RANDOM = "__bit_generator_ctor __generator_ctor __randomstate_ctor"
# Exact names. Whole packages are never listed: numpy.testing and joblib hold loaders of code.
_HARMLESS = {
    "builtins": "bool bytearray bytes complex dict float frozenset int list object range set slice "
    "str tuple",
    "__builtin__": "bool bytearray bytes complex dict float frozenset int list long object set "
    "str tuple unicode",
    "_codecs": "encode",
    "collections": "Counter OrderedDict defaultdict deque",
    "copy_reg": "_reconstructor",
    "copyreg": "_reconstructor",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "joblib.numpy_pickle": "NumpyArrayWrapper",
    "numpy": "bool_ dtype float32 float64 int32 int64 ndarray str_",
    "numpy._core.multiarray": _NUMPY,
    "numpy._core.numeric": "_frombuffer",
    "numpy.core.multiarray": _NUMPY,
    "numpy.core.numeric": "_frombuffer",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64",
    "numpy.random._pickle": _RANDOM,
    "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
    "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "scipy.sparse._csr": "csr_array csr_matrix",
    "scipy.sparse._csc": "csc_array csc_matrix",
    "torch": "BFloat16Storage BoolStorage DoubleStorage FloatStorage HalfStorage IntStorage "
    "LongStorage Size device float16 float32 float64 int8 int64 uint8",
    "torch._utils": "_rebuild_parameter _rebuild_tensor _rebuild_tensor_v2",
    "torch.storage": "UntypedStorage",
}
_KNOWN = {Name(m, n) for m, names in _HARMLESS.items() for n in names.split()}
# Packages whose own classes are harmless to build: estimators and layers. A name counts only if
# it is a class that stands in that very module of the installed package.
_CLASSES = ("sklearn", "torch.nn.modules")
_NOT_HERE = re.compile(r"(^|\.)(tests?|conftest|datasets|externals|_build_utils)(\.|$)")
_COMPILED = re.compile(r"[A-Z]\w*|newObj|__pyx_unpickle_\w+")
_DANGEROUS = frozenset(
    """
    __builtin__ _aix_support _io _osx_support _pickle _posixsubprocess _pyrepl _winapi aifc asyncio
    atexit bdb builtins cgi code codeop commands cProfile ctypes _ctypes
    dill distutils doctest ensurepip faulthandler fcntl fileinput ftplib gc getpass
    glob http idlelib imaplib imp importlib inspect io joblib lib2to3 linecache marshal
    mmap msilib multiprocessing netrc nt ntpath operator os pathlib pdb pickle pickletools pip
    pkgutil platform poplib posix posixpath profile pstats pty pydoc requests resource runpy sched
    setuptools shelve shutil signal site smtplib socket socketserver sqlite3 ssl subprocess sys
    tempfile test threading timeit trace traceback types turtle urllib uuid venv webbrowser winreg
    xmlrpc zipapp zipfile zipimport cloudpickle httpx paramiko
    """.split()  # noqa: SIM905 - a list of words reads best as a text
)
_DANGEROUS_INSIDE = (
    "numpy.distutils",
    "numpy.f2py",
    "numpy.testing",
    "pandas.io",
    "scipy._lib",
    "torch._dynamo",
    "torch._inductor",
    "torch.distributed",
    "torch.fx",
    "torch.hub",
    "torch.jit",
    "torch.serialization",
    "torch.utils",
)


def classify(name: Name) -> Verdict:
    """Say what a name is: on the exact list, known to be dangerous, or neither."""
    if name in _KNOWN:
        return "harmless"
    if name.module.split(".")[0] in _DANGEROUS or f"{name.module}.".startswith(
        tuple(f"{inside}." for inside in _DANGEROUS_INSIDE)
    ):
        return "dangerous"
    inside = any(name.module == p or name.module.startswith(f"{p}.") for p in _CLASSES)
    if inside and not _NOT_HERE.search(name.module) and _is_class(name):
        return "harmless"
    return "unknown"


@cache
def _is_class(name: Name) -> bool:
    """Look for a class in the text of its module; the module is not imported."""
    file = _file(name.module)
    if file is None:
        return False
    if file.suffix != ".py":
        return bool(_COMPILED.fullmatch(name.name))
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.ClassDef) and node.name == name.name for node in tree.body)


def _file(module: str) -> Path | None:
    """Find the file of a module of an installed package, without importing anything."""
    top, *rest = module.split(".")
    if not all(part.isidentifier() for part in rest):
        return None
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))).joinpath(*rest[:-1])
    last = rest[-1] if rest else "__init__"
    candidates = [folder / f"{last}.py", folder / last / "__init__.py"]
    candidates += sorted(folder.glob(f"{last}.*.so")) + sorted(folder.glob(f"{last}.*.pyd"))
    return next((file for file in candidates if file.is_file()), None)
