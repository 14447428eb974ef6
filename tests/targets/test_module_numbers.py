"""Stored numbers of torch modules, at the precision in which they are stored."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import BFLOAT16, as_floats, read_numbers, rewrite_numbers
from goalkeeper.games.bit_flips import Flip, flip_bits
from goalkeeper.targets import TorchTarget

torch: Any = pytest.importorskip("torch")

DOMAIN = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(3)))
X = np.random.default_rng(0).normal(size=(40, 3))
KINDS = [
    (torch.float64, np.dtype(np.float64), torch.int64),
    (torch.float32, np.dtype(np.float32), torch.int32),
    (torch.float16, np.dtype(np.float16), torch.int16),
    (torch.bfloat16, BFLOAT16, torch.int16),
]


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5), torch.nn.ReLU(), torch.nn.Linear(5, 2)
    ).eval()


def said(target: TorchTarget) -> bytes | str:
    """Return what a target answers, or how it fails: a variance below zero has no root."""
    try:
        return target.answer(X, View.LOGITS).logits.tobytes()
    except TargetError as error:
        return str(error)


@pytest.mark.requirement("S24")
@pytest.mark.parametrize(("kind", "stored_as", "words"), KINDS, ids=[str(k[0]) for k in KINDS])
def test_bits_are_those_of_the_stored_precision(kind: Any, stored_as: Any, words: Any) -> None:
    module = network().to(kind)
    target = TorchTarget(module, ["a", "b"], DOMAIN)
    stored = read_numbers(target)
    assert list(stored) == [
        *["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"],
        *["1.running_mean", "1.running_var"],
    ]
    assert {v.dtype for v in stored.values()} == {stored_as}
    np.testing.assert_array_equal(
        as_floats(stored["0.weight"]), module[0].weight.detach().double().numpy()
    )
    width = stored_as.itemsize * 8
    for name, values in stored.items():
        for bit in (width - 1, width - 3, 2):
            own = copy.deepcopy(module)
            tensor = own.state_dict()[name].view(-1)
            tensor[:1] = (tensor[:1].view(words) ^ _mask(bit, width)).view(kind)
            flipped = flip_bits({name: values}, [Flip(name, 0, bit)])
            changed = rewrite_numbers(target, flipped)
            assert torch.equal(changed.module.state_dict()[name], own.state_dict()[name])
            assert said(changed) == said(TorchTarget(own, ["a", "b"], DOMAIN))
    assert said(target) == said(TorchTarget(module, ["a", "b"], DOMAIN))


def _mask(bit: int, width: int) -> int:
    return 1 << bit if bit < width - 1 else -(1 << bit)


def test_tensors_that_layers_share_are_one_number() -> None:
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 3), torch.nn.Linear(3, 3), torch.nn.Linear(3, 2)
    )
    module[1].weight = module[0].weight
    target = TorchTarget(module, ["a", "b"], DOMAIN)
    stored = read_numbers(target)
    assert "1.weight" not in stored
    changed = rewrite_numbers(target, flip_bits(stored, [Flip("0.weight", 4, 31)]))
    both = [changed.module[i].weight.detach().numpy().ravel() for i in (0, 1)]
    np.testing.assert_array_equal(both[0], both[1])
    assert both[0][4] == -module[0].weight.detach().numpy().ravel()[4]


def test_only_what_is_in_the_stored_state_can_be_flipped() -> None:
    module = network()
    module.register_buffer("scratch", torch.ones(4), persistent=False)
    module.register_buffer("bytes", torch.ones(4, dtype=torch.int8))
    found = read_numbers(TorchTarget(module, ["a", "b"], DOMAIN))
    assert "scratch" not in found
    assert found["bytes"].dtype == np.int8
    assert "1.num_batches_tracked" not in found  # it counts, and no answer depends on it


def test_quantised_layers_of_torch_store_bytes_and_a_scale() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces a successor
        try:
            module = torch.ao.quantization.quantize_dynamic(network(), {torch.nn.Linear})
        except RuntimeError as error:  # no engine for it on this processor
            pytest.skip(str(error))
        target = TorchTarget(module, ["a", "b"], DOMAIN)
        stored = read_numbers(target)
        assert {n: str(v.dtype) for n, v in stored.items() if n.startswith("3.")} == {
            "3.weight": "int8",
            "3.scale": "float64",
            "3.bias": "float32",
        }
        flip = Flip("3.weight", 2, 7)
        changed = rewrite_numbers(target, flip_bits(stored, [flip]))
        before, after = (m[3].weight().int_repr().view(-1).int() for m in (module, changed.module))
        assert after[2] == before[2] + (128 if before[2] < 0 else -128)
        assert (after != before).sum() == 1
        # by hand: what the byte is worth, times what the layer gets
        hidden = torch.relu(module[:2](torch.as_tensor(X, dtype=torch.float32)))
        step = float(after[2] - before[2]) * stored["3.scale"][0]
        gap = changed.answer(X, View.LOGITS).logits - target.answer(X, View.LOGITS).logits
        np.testing.assert_allclose(
            gap[:, 0], hidden[:, 2].detach().numpy() * step, atol=0.02 * abs(step)
        )
        np.testing.assert_array_equal(gap[:, 1], 0)
        scaled = rewrite_numbers(target, flip_bits(stored, [Flip("3.scale", 0, 52)]))
        ratio = scaled.module[3].weight().q_scale() / module[3].weight().q_scale()
        assert ratio in (0.5, 2.0)
    with pytest.raises(NotOffered, match="no numbers of the name 'weights'"):
        rewrite_numbers(target, {"weights": np.zeros(2)})


def test_parameters_of_bfloat16_and_quantised_modules_can_be_read() -> None:
    found = TorchTarget(network().to(torch.bfloat16), ["a", "b"], DOMAIN).parameters()
    assert found["0.weight"].dtype == np.float32
