"""Read a YAML file of the policy into its model; errors name the file and the key."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from goalkeeper.core.errors import PolicyError

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

Model = TypeVar("Model", bound=BaseModel)
SHOWN = 3


class _Loader(_SafeLoader):
    """A safe loader that refuses a key that stands twice, where YAML keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the signature of PyYAML
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {key.value!r} stands twice; remove one of the two"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_bytes(path: Path) -> bytes:
    """Read a file of the policy; raises PolicyError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read ({error.strerror or error})") from error


def parse(model: type[Model], content: bytes, path: Path) -> Model:
    """Read the content of a file into `model`; errors name the file as `path`.

    Raises
    ------
    PolicyError
        It is not YAML, or does not fit the model.
    """
    try:
        raw = yaml.load(content, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(f"{path}:{line}: {error.problem or 'is not YAML'}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: is not YAML ({error})") from error
    if not isinstance(raw, dict):
        raise PolicyError(f"{path}: must hold a mapping of keys, holds {type(raw).__name__}")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise PolicyError(_explained(model, error, path)) from error


def nearest(name: object, valid: Iterable[object]) -> str:
    """Suggest the valid name nearest to `name`, or list the valid ones."""
    names = [str(v) for v in valid]
    near = get_close_matches(str(name), names, n=1)
    return f"did you mean {near[0]!r}?" if near else "it must be one of: " + ", ".join(names)


def _explained(model: type[BaseModel], error: ValidationError, path: Path) -> str:
    problems = error.errors(include_url=False)
    lines = []
    for problem in problems[:SHOWN]:
        loc = tuple(part for part in problem["loc"] if part != "[key]")
        if problem["type"] == "extra_forbidden":
            valid = _keys(model, loc[:-1])
            text = "unknown key; " + nearest(loc[-1], valid) if valid else "unknown key"
        elif problem["type"] == "missing":
            text = "is missing"
        else:
            text = f"{problem['msg']}; given: {_brief(problem['input'])}"
        lines.append(f"{path}: {'.'.join(map(str, loc))}: {text}")
    if len(problems) > SHOWN:
        lines.append(f"{path}: and {len(problems) - SHOWN} more")
    return "\n".join(lines)


def _brief(value: object) -> str:
    text = reprlib.repr(value)  # of what an alias repeats, `repr` may be without bound
    return text if len(text) <= 60 else text[:57] + "..."


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """List the keys that are valid at `loc`; empty when that is not cheap to say."""
    here: Any = model
    for part in loc:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(part))
            here = field.annotation if field else None
        else:
            inner = [arg for arg in get_args(here) if arg is not ...]
            here = inner[-1] if inner else None
    if isinstance(here, type) and issubclass(here, BaseModel):
        return list(here.model_fields)
    return []


def check_name(name: object, valid: Mapping[Any, Any] | Iterable[Any], where: str) -> None:
    """Raise PolicyError unless `name` is one of the `valid` ones."""
    names = list(valid)
    if name not in names:
        raise PolicyError(f"{where}: there is no {name!r}; {nearest(name, names)}")
