"""The numbers of boosters of XGBoost and LightGBM: thresholds and leaves, by their stored form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import TargetError

Arrays = dict[str, NDArray[Any]]

# Lines of LightGBM's text form that answers are computed from.
LINES = re.compile(r"^(threshold|leaf_value)=(.*)$", re.MULTILINE)


def is_booster(value: Any) -> bool:
    """Tell whether this is a booster whose stored form is known here."""
    kind = type(value)
    return kind.__name__ == "Booster" and _library(value) in ("xgboost", "lightgbm")


def read(booster: Any) -> Arrays:
    """Copy thresholds and leaves of every tree: float32 of XGBoost, float64 of LightGBM."""
    if _library(booster) == "xgboost":
        return {
            f"trees[{i}].split_conditions": np.array(tree["split_conditions"], dtype=np.float32)
            for i, tree in enumerate(_trees(_document(booster)))
        }
    lines = enumerate(LINES.finditer(booster.model_to_string()))
    found = {_line(i, m): np.array(m[2].split(), dtype=np.float64) for i, m in lines}
    return {name: values for name, values in found.items() if values.size}


def replace_numbers(booster: Any, numbers: Mapping[str, NDArray[Any]]) -> Any:
    """Return a booster with other numbers; raises TargetError where its library refuses them."""
    for name, values in numbers.items():
        if not np.isfinite(values).all():
            raise TargetError(f"{name}: {_library(booster)} loads no infinite numbers")
    try:
        if _library(booster) == "xgboost":
            return _of_xgboost(booster, numbers)
        return _of_lightgbm(booster, numbers)
    except (ValueError, RuntimeError) as error:  # what both raise for what they cannot load
        raise TargetError(f"{_library(booster)} cannot load the changed model: {error}") from error


def _library(booster: Any) -> str:
    return type(booster).__module__.partition(".")[0]


# ---- XGBoost -------------------------------------------------------------------------------------


def _document(booster: Any) -> Any:
    return json.loads(bytes(booster.save_raw("json")))


def _trees(document: Any) -> list[Any]:
    inner = document["learner"]["gradient_booster"]
    inner = inner.get("gbtree", inner)  # of dart, the trees are one level deeper
    found: list[Any] = inner.get("model", {}).get("trees", [])
    return found


def _of_xgboost(booster: Any, numbers: Mapping[str, NDArray[Any]]) -> Any:
    document = _document(booster)
    for i, tree in enumerate(_trees(document)):
        new = numbers.get(f"trees[{i}].split_conditions")
        if new is not None:
            # the shortest decimal number that is the same float32
            tree["split_conditions"] = [float(str(value)) for value in new]
    changed = type(booster)()
    changed.load_model(bytearray(json.dumps(document).encode()))
    return changed


# ---- LightGBM ------------------------------------------------------------------------------------


def _line(i: int, match: re.Match[str]) -> str:
    return f"trees[{i // 2}].{match[1]}"


def _of_lightgbm(booster: Any, numbers: Mapping[str, NDArray[Any]]) -> Any:
    places = iter(range(10**9))

    def line(match: re.Match[str]) -> str:
        new = numbers.get(_line(next(places), match))
        return match[0] if new is None else f"{match[1]}=" + " ".join(map(repr, new.tolist()))

    text = LINES.sub(line, booster.model_to_string())
    text = re.sub(r"^tree_sizes=.*\n", "", text, flags=re.MULTILINE)  # lengths of the old texts
    return type(booster)(model_str=text)
