"""Stored parameters in the forms in which people store them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goalkeeper.core.errors import TargetError
from goalkeeper.training.networks import read_parameters

torch = pytest.importorskip("torch")
nn = torch.nn


def build() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def prefixed(state: Any, *fronts: str) -> Any:
    return {".".join((*fronts, name)): value for name, value in state.items()}


FORMS: dict[str, Any] = {
    "state dict": lambda s: s,
    "DataParallel": lambda s: prefixed(s, "module"),
    "torch.compile of DataParallel": lambda s: prefixed(s, "_orig_mod", "module"),
    "part of another module": lambda s: prefixed(s, "model", "net"),
    "checkpoint": lambda s: {"epoch": 3, "model_state_dict": s, "optimizer": {"state": {}}},
    "checkpoint of Lightning": lambda s: {"state_dict": prefixed(s, "model"), "hparams": {"a": 1}},
    "checkpoint with averages first": lambda s: {"ema": {"decay": torch.tensor(1.0)}, "model": s},
    "any entry": lambda s: {"my_weights": s, "loss": 0.2},
    "weights of a loss beside it": lambda s: {
        "state_dict": {**prefixed(s, "net"), "criterion.weight": torch.ones(2)}
    },
    "AveragedModel": lambda s: {"n_averaged": torch.tensor(5), **prefixed(s, "module")},
    "nested": lambda s: {"model": {"state_dict": s}},
    "half precision": lambda s: {k: v.half() if v.is_floating_point() else v for k, v in s.items()},
}


@pytest.mark.parametrize("form", FORMS)
def test_parameters_are_found(form: str, tmp_path: Path) -> None:
    module, path = build(), tmp_path / "w.pt"
    torch.save(FORMS[form](module.state_dict()), path)
    fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    fresh.load_state_dict(read_parameters(path, fresh))
    for name, value in module.state_dict().items():
        torch.testing.assert_close(fresh.state_dict()[name], value, atol=1e-3, rtol=1e-3)


def test_safetensors(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    from safetensors.torch import save_file

    module, path = build(), tmp_path / "w.safetensors"
    save_file(prefixed(module.state_dict(), "module"), path)
    assert set(read_parameters(path, module)) == set(module.state_dict())


def broken(name: str, value: float) -> Any:
    state = build().state_dict()
    state[name].view(-1)[0] = value
    return state


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (build(), "holds Python objects, such as a whole module.*it was not opened"),
        (broken("3.weight", float("nan")), "NaN or infinite numbers: 1 of 8 in 3.weight"),
        (broken("1.running_var", float("inf")), "NaN or infinite numbers: 1 of 4 in 1.running_var"),
        ({"epoch": 3, "loss": 0.1}, "holds a dict with the entries epoch, loss, but no parameters"),
        (torch.zeros(3), "holds a Tensor, but no parameters"),
        (nn.Linear(3, 4).state_dict(), "the file lacks 0.weight, 0.bias, 1.weight and 6 more"),
        (
            {**build().state_dict(), "4.weight": torch.zeros(2)},
            "the module has no 4.weight",
        ),
        (
            {**build().state_dict(), "0.weight": torch.zeros(4, 5)},
            r"0.weight is \(4, 5\) in the file and \(4, 3\) in it",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(stored: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(stored, path)
    with pytest.raises(TargetError, match=said) as caught:
        read_parameters(path, build())
    assert str(caught.value).startswith("w.pt ")
    assert "\n" not in str(caught.value)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(b"no file of torch")
    with pytest.raises(TargetError, match=r"^w\.pt is no file of torch\.save"):
        read_parameters(path, build())


@pytest.mark.parametrize(
    ("content", "said", "remedy"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS", "git lfs pull"),
        (b"epoch 3: loss 0.2\n", "no file of torch.save", "torch.save"),
    ],
    ids=["lfs", "text"],
)
def test_what_torch_has_not_written_is_named(
    content: bytes, said: str, remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(TargetError, match=said) as caught:
        read_parameters(path, build())
    assert remedy in caught.value.remedy


def test_two_modules_in_one_file_are_not_chosen_from(tmp_path: Path) -> None:
    state, path = build().state_dict(), tmp_path / "w.pt"
    torch.save({**prefixed(state, "student"), **prefixed(state, "teacher")}, path)
    with pytest.raises(TargetError, match=r"several modules of these parameters: student\., teach"):
        read_parameters(path, build())
