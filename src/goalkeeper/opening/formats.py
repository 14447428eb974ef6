"""Formats that are no pickles: recognised by their whole content, and what of them runs code."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from goalkeeper.opening.found import Found
from goalkeeper.opening.onnx import onnx_model

_SAFETENSORS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2,
    "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "C64": 8, "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip
_PROGRAMS = (".py", ".pyc", ".pyw", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".ps1", ".js")
_BINARIES = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_TEXTS = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".merges",
          ".vocab", ".cfg", ".ini", ".gitattributes", ".gitignore",
          "LICENSE", "README")  # fmt: skip
_DATA = ((b"PAR1", "Parquet"), (b"\x89PNG\r\n", "PNG image"), (b"\xff\xd8\xff", "JPEG image"))
_UBJSON = re.compile(rb"\{(?:[iU]|L\x00{7})\x07learner\{")
_YAML_OBJECT = re.compile(rb"!!python/|tag:yaml\.org,2002:python/")
_MOST_JSON = 1 << 28


def recognise(content: bytes, name: str, found: Found, *, whole: bool) -> str:
    """Name the format; empty if it is none of these."""
    if content.startswith(_BINARIES) or name.lower().endswith(_PROGRAMS):
        found.note(f"{name or 'the file'} is a program")
        found.runs_code = True
        return "program"
    start = safetensors(content)
    if start:
        if whole:
            found.arrays.append((start, len(content), 4))
        return "safetensors"
    if content.startswith(b"\x89HDF\r\n\x1a\n"):
        return _hdf5(content, found)
    if content.startswith(b"GGUF"):
        if b"chat_template" in content:
            found.note("it holds a chat template: a program in Jinja that the loader runs")
        return "GGUF"
    if content.startswith(b"CBM1"):
        return "CatBoost"
    if content.startswith(b"tree\nversion=v"):
        return "LightGBM"
    if content.startswith(b"binf") or _UBJSON.match(content):
        return "XGBoost"
    kind = next((kind for begin, kind in _DATA if content.startswith(begin)), "")
    return kind or _text(content, name, found) or onnx_model(content, found)


def safetensors(content: bytes) -> int:
    """Return where the numbers of a safetensors file begin; 0 if it is none.

    The whole header is read: its tensors must fill the rest of the file without gap or overlap.
    """
    size = int.from_bytes(content[:8], "little")
    if content[8:9] != b"{" or not 2 <= size <= min(len(content) - 8, _MOST_JSON):
        return 0
    try:
        header = json.loads(content[8 : 8 + size], object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return 0
    rest, places = len(content) - 8 - size, []
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        place = _tensor(tensor)
        if place is None:
            return 0
        places.append(place)
    end = 0
    for first, last in sorted(places):
        if first != end:
            return 0
        end = last
    return 8 + size if end == rest else 0


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _tensor(tensor: Any) -> tuple[int, int] | None:
    """Return first byte and end of a tensor; None where its size is not what its shape says."""
    match tensor:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(first), int(last)]}:
            whole = all(type(n) is int and 0 <= n < 1 << 48 for n in shape)
            size = _SAFETENSORS.get(kind, 0)
            if whole and size and last - first == size * math.prod(shape):
                return first, last
    return None


# ---- text ------------------------------------------------------------------------------------


def _text(content: bytes, name: str, found: Found) -> str:
    head = content.lstrip()[:1]
    if head in (b"{", b"[") and len(content) < _MOST_JSON:
        try:
            return _json(json.loads(content), found)
        except (ValueError, RecursionError):
            pass
    try:
        text = content.decode("utf-8")
    except ValueError:
        return ""
    if "\0" in text:
        return ""
    if _YAML_OBJECT.search(content):
        found.problem("it is YAML that makes objects of Python")
        return "YAML"
    if not name.endswith(_TEXTS):
        return ""
    if "loader_module:" in text or "python_function:" in text:
        found.note("it names the Python code that loads a model")
    return "text"


def _json(tree: Any, found: Found) -> str:
    if isinstance(tree, dict) and isinstance(tree.get("learner"), dict):
        return "XGBoost"
    if isinstance(tree, dict) and ("class_name" in tree or "model_config" in tree):
        _keras(tree, found)
        return "Keras JSON"
    for key, what in (
        ("auto_map", "Python code that is imported with the model (auto_map)"),
        ("custom_pipelines", "Python code that is imported with the model (custom_pipelines)"),
        ("chat_template", "a chat template: a program in Jinja that the loader runs"),
    ):
        if _has_key(tree, key):
            found.note(f"it names {what}")
    if isinstance(tree, dict) and tree.get("nbformat"):
        found.note("it is a notebook: a program")
    return "JSON"


def _has_key(tree: Any, key: str) -> bool:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get(key):
                return True
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return False


# ---- Keras -----------------------------------------------------------------------------------


def keras_config(content: bytes, found: Found) -> None:
    """Look at the description of a Keras model."""
    try:
        _keras(json.loads(content), found)
    except (ValueError, RecursionError) as error:
        found.unread(f"the description of the Keras model cannot be read ({str(error)[:80]})")


def _keras(tree: Any, found: Found) -> None:
    """Find layers that hold code, and classes that are taken from other modules than Keras's."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            _layer(node, found)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _layer(node: dict[str, Any], found: Found) -> None:
    kind, module = node.get("class_name"), node.get("module")
    if kind in ("Lambda", "TFOpLambda", "SlicingOpLambda", "__lambda__"):
        found.problem(f"the Keras model has a layer that holds code ({kind})")
    if isinstance(module, str) and module.split(".")[0] not in ("keras", "builtins", "keras_hub"):
        found.problem(f"the Keras model takes {kind} from the module {module}")
    if node.get("registered_name") and module is None and kind == "function":
        found.note(f"the Keras model needs a function of your own ({node['registered_name']})")


def _hdf5(content: bytes, found: Found) -> str:
    """Look for layers with code in the description that Keras stores in an HDF5 file."""
    if b'"Lambda"' in content or b"__lambda__" in content:
        found.problem("the Keras model has a layer that holds code (Lambda)")
    if b"model_config" in content:
        for module in set(re.findall(rb'"module": ?"([^"]{1,80})"', content)):
            if module.split(b".")[0] not in (b"keras", b"builtins"):
                found.problem(f"the Keras model takes a class from the module {module.decode()}")
    return "HDF5"
