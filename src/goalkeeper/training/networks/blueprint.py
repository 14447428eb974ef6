"""What is built and trained, and where: all that the ways to train one network share.

The trainer holds a blueprint and hands it to measuring, batched fits and the cache of trainings;
none of them knows the trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.targets.outputs import Outputs, find_outputs
from goalkeeper.targets.tensors import dtype_of
from goalkeeper.targets.torch import TorchTarget, is_module, need_torch, rows_of
from goalkeeper.training.networks.chain import PROBES, Chain, UnreadableModule, read_chain
from goalkeeper.training.networks.recipe import TorchRecipe
from goalkeeper.training.recipes import describe_function

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

Arrays = Mapping[str, NDArray[Any]]  # parameters and buffers by name


@dataclass(frozen=True, eq=False)
class NetworkBlueprint:
    """An untrained network, its training, and what this machine computes it with.

    Parameters
    ----------
    build
        Takes nothing and returns an untrained module.
    classes
        The application's classes, in the order of the logits.
    domain
        What an input looks like.
    recipe
        How it is trained.
    compute
        Device, precision, processes and memory.
    known_outputs
        What the module returns; None: found out by trying an untrained one.
    """

    build: Callable[[], nn.Module]
    classes: tuple[str, ...]
    domain: Domain
    recipe: TorchRecipe
    compute: ComputeSettings
    known_outputs: Outputs | None = None

    @cached_property
    def outputs(self) -> Outputs:
        """What the module returns; raises TargetError where that cannot be decided."""
        if self.known_outputs is not None:
            return self.known_outputs
        with need_torch().random.fork_rng(devices=self.random_devices):
            return find_outputs(self.build_module(), self.domain, self.classes)

    @cached_property
    def dtype(self) -> Any:
        """The type of numbers that the module takes."""
        with need_torch().random.fork_rng(devices=self.random_devices):
            return dtype_of(self.build_module())

    @property
    def description(self) -> str:
        """The function's name, a hash of its source, and the recipe: what identifies a training."""
        settings = ", ".join(f"{k}={v}" for k, v in asdict(self.recipe).items())
        return f"{describe_function(self.build)} > torch({settings})"

    @property
    def half(self) -> bool:
        """Whether products are computed in bfloat16."""
        return self.compute.networks is not None and self.compute.networks.half

    @property
    def random_devices(self) -> list[str]:
        """Devices beside the CPU whose random state a training uses."""
        return [] if self.compute.device == "cpu" else [self.compute.device]

    # ---- modules --------------------------------------------------------------------------------

    def build_module(self) -> nn.Module:
        """Build an untrained module; raises TargetError when the function gives something else."""
        module = self.build()
        if not is_module(module):
            raise TargetError(
                f"{getattr(self.build, '__name__', 'build')}() returned {type(module).__name__} "
                "where a torch.nn.Module is expected"
            )
        return module

    def build_seeded(self, seed: int) -> tuple[nn.Module, Generator]:
        """Build an untrained module of a seed, and the random generator in the state after it.

        A training alone draws weights and then dropout from one stream. So the state after the
        weights is where the generator of the same network in a batch must begin.
        """
        torch, device = need_torch(), self.compute.device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = self.build_module()
            state = torch.get_rng_state()
        generator = torch.Generator(device)
        if device == "cpu":
            generator.set_state(state)
        else:  # weights were drawn on the CPU: the stream of the GPU is still at its beginning
            generator.manual_seed(seed)
        return module, generator

    def place(self, module: nn.Module) -> nn.Module:
        """Move a module to the device, in the layout that was chosen."""
        torch, networks = need_torch(), self.compute.networks
        placed: Any = module.to(self.compute.device)
        if networks is not None and networks.channels_last:
            placed = placed.to(memory_format=torch.channels_last)
        return placed  # type: ignore[no-any-return]

    def restore(self, arrays: Arrays) -> TorchTarget:
        """Make a target of trained parameters and buffers."""
        torch, module = need_torch(), self.build_module()
        module.load_state_dict({name: torch.as_tensor(a) for name, a in arrays.items()})
        return self.target(self.place(module))

    def target(self, module: nn.Module, path: Path | None = None) -> TorchTarget:
        """Make a target of a trained module, and of the file it was read from."""
        return TorchTarget(module, self.classes, self.domain, path, outputs=self.outputs)

    def read_chain(self, sample: Tensor) -> Chain:
        """Read the module as a chain of stages; raises UnreadableModule where it is none."""
        if self.recipe.perturbation is not None:
            raise UnreadableModule("inputs are changed against each network by itself")
        chain = read_chain(self.build_module(), sample, self.outputs)
        return chain.halved() if self.half else chain

    def gains_from_batching(self, chain: Chain) -> bool:
        """Tell whether many networks of this chain are faster together than one by one.

        Convolutions of one network are large products already, which fill the cores of a CPU.
        """
        return not (chain.convolves and self.compute.device == "cpu")

    # ---- records --------------------------------------------------------------------------------

    def to_tensor(self, x: Inputs) -> Tensor:
        """Turn inputs `(n, ...)` into what the module takes, on the device."""
        made: Tensor = self.to_cpu_tensor(x).to(self.compute.device)
        return made

    def to_cpu_tensor(self, x: Inputs) -> Tensor:
        """Turn inputs `(n, ...)` into what the module takes; texts go through its `encode`."""
        encoder = self.build_module() if isinstance(self.domain, TextDomain) else None
        return rows_of(x, self.domain, encoder, None if encoder is not None else self.dtype)

    def to_tensors(self, data: Data) -> tuple[Tensor, Tensor]:
        """Turn records into inputs and classes, on the device."""
        return self.to_tensor(data.x), need_torch().tensor(data.y, device=self.compute.device)

    def sample_inputs(self) -> Tensor:
        """Make a few inputs of the right shape, whatever the data are."""
        torch, domain = need_torch(), self.domain
        if isinstance(domain, TextDomain):
            texts = np.array(["some words of a text", "a text", "words"], dtype=object)
            return self.to_cpu_tensor(texts)
        shape = (len(domain.columns),) if isinstance(domain, TableDomain) else domain.shape
        made: Tensor = torch.rand(PROBES, *shape, generator=torch.Generator()).to(self.dtype)
        return made
