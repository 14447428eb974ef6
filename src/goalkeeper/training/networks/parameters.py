"""Trained parameters of a module, as the many ways of storing them have them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.opening import Refused, load_torch
from goalkeeper.targets.torch import need_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

# Entries of a checkpoint that hold parameters, the likeliest first.
ENTRIES = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights")
DEEPEST = 3  # entries within entries
SHOWN = 3  # names in an error

State = Mapping[str, "Tensor"]


def read_parameters(path: Path, module: nn.Module) -> State:
    """Read the parameters and buffers of a module from a file; nothing in it is run.

    The file is one of safetensors or of `torch.save`. It may hold them as an entry of a checkpoint,
    under names with a common beginning (as `DataParallel` and `torch.compile` write them), and in
    another precision.

    Raises
    ------
    TargetError
        It holds something else, other names or shapes than the module, or numbers that are not
        finite; says which.
    MissingExtra
        It is a file of safetensors, and that is not installed.
    """
    stored, kind = _load(path), type(module).__name__
    wanted = module.state_dict()
    candidates = [_renamed(state, wanted) for state in _states(stored)]
    if not candidates:
        raise TargetError(
            f"{path.name} holds {_described(stored)}, but no parameters",
            f"store those of the {kind} with torch.save(module.state_dict(), file)",
        )
    fitting = [c for c in candidates if _differences(c, wanted) == ""]
    state = fitting[0] if fitting else candidates[0]
    _refuse_several(path.name, fitting)
    differences = _differences(state, wanted)
    if differences:
        raise TargetError(
            f"{path.name} does not hold the parameters of the {kind} that build returns: "
            f"{differences}"
        )
    for name, value in state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            bad = int((~value.isfinite()).sum())
            raise TargetError(
                f"{path.name} holds NaN or infinite numbers: {bad} of {value.numel()} in {name}",
                "the training has diverged, or the file is damaged: store the parameters of an "
                "earlier step, or train again",
            )
    return state


def _refuse_several(name: str, fitting: Sequence[State]) -> None:
    """Refuse a checkpoint that holds several different sets of parameters of this module."""
    first = fitting[0] if fitting else {}
    for other in fitting[1:]:
        if any(not bool((first[key] == other[key]).all()) for key in first):
            raise TargetError(
                f"{name} holds {len(fitting)} sets of parameters that fit the module, such as "
                "those of the last step and their moving average (EMA)",
                "store the set that your application uses alone, with "
                "torch.save(checkpoint[NAME], file)",
            )


def _load(path: Path) -> Any:
    need_torch()
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        stored = path.read_bytes()
        _require_torch(stored[:64], path.name)
        return load_torch(stored)
    except ImportError as error:
        raise MissingExtra("safetensors", "torch") from error
    except TargetError:
        raise
    except (Refused, pickle.UnpicklingError) as error:
        if b"/code/__torch__" in stored:
            raise TargetError(
                f"{path.name} is a TorchScript program, not the parameters of a module",
                "store the parameters alone with torch.save(module.state_dict(), file)",
            ) from error
        raise TargetError(
            f"{path.name} holds Python objects, such as a whole module, and no plain parameters: "
            "opening it would run code, so it was not opened",
            "store the parameters alone with torch.save(module.state_dict(), file)",
        ) from error
    except Exception as error:  # of a file that holds something else, torch raises many kinds
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise TargetError(
            f"{path.name} is no file of parameters that torch can read ({line:.200})",
            "store them with torch.save(module.state_dict(), file), or as safetensors",
        ) from error


def _require_torch(head: bytes, name: str) -> None:
    """Refuse what `torch.save` has not written: neither a zip archive nor a pickle."""
    if head.startswith(b"version https://git-lfs"):
        raise TargetError(
            f"{name} is a pointer of Git LFS: the parameters themselves were not downloaded",
            "fetch them with `git lfs pull`",
        )
    if not head.startswith((b"PK", b"\x80")):
        raise TargetError(
            f"{name} is no file of torch.save: its first bytes are {head[:16]!r}",
            "store the parameters with torch.save(module.state_dict(), file), or as safetensors",
        )


def _states(stored: Any, depth: int = DEEPEST) -> Iterator[State]:
    """Yield every mapping of names to tensors in what was stored, the likeliest first."""
    if not isinstance(stored, Mapping) or not stored:
        return
    torch = need_torch()
    if all(isinstance(value, torch.Tensor) for value in stored.values()):
        yield {str(name): value for name, value in stored.items()}
    elif depth:
        names = [name for name in ENTRIES if name in stored]
        names += [name for name in stored if name not in ENTRIES]
        for name in names:
            yield from _states(stored[name], depth - 1)


def _renamed(state: State, wanted: State) -> State:
    """Cut off what the names begin with, where the module has it not.

    A checkpoint may hold more beside the module: weights of a loss, a count of averaged steps.
    """
    first = next(iter(wanted), "")
    fronts = [name.removesuffix(first) for name in state if name.endswith(f".{first}")]
    fronts = [front for front in fronts if all(front + name in state for name in wanted)]
    if len(fronts) > 1 and not set(state) & set(wanted):
        raise TargetError(
            f"the file holds several modules of these parameters: {_listed(fronts)}",
            "store the parameters of one of them in a file of its own",
        )
    if fronts and not set(state) & set(wanted):
        front = fronts[0]
        return {k.removeprefix(front): value for k, value in state.items() if k.startswith(front)}
    while not set(state) & set(wanted):
        heads = {name.partition(".")[0] for name in state}
        if len(heads) != 1 or not all("." in name for name in state):
            break
        state = {name.partition(".")[2]: value for name, value in state.items()}
    return state


def _differences(state: State, wanted: State) -> str:
    """Say how parameters differ from those of the module; empty where they fit."""
    missing = [name for name in wanted if name not in state]
    unknown = [name for name in state if name not in wanted]
    shapes = [
        f"{name} is {tuple(state[name].shape)} in the file and {tuple(wanted[name].shape)} in it"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    parts = [
        f"the file lacks {_listed(missing)}" if missing else "",
        f"the module has no {_listed(unknown)}" if unknown else "",
        _listed(shapes),
    ]
    return "; ".join(part for part in parts if part)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _described(stored: Any) -> str:
    if isinstance(stored, Mapping):
        return f"a dict with the entries {_listed([str(name) for name in stored])}"
    return f"a {type(stored).__name__}"
