"""An untrained torch module: trained here, or filled with stored parameters."""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

from goalkeeper.core.application import Target
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.describe.document import Key
from goalkeeper.describe.form import TrainingForm
from goalkeeper.describe.kinds.base import BuiltKind, Model, ModelContext, ModelFile

if TYPE_CHECKING:
    from goalkeeper.targets.outputs import Outputs
    from goalkeeper.training import TorchTrainer

SEED = 0
ADVICE = "store the parameters of the very module that build returns"
WEIGHTS: Key = ("model", "weights")
CLASS_NUMBERS = (
    "the module returns class numbers: it gives labels only, and attacks that retrain it or follow "
    "gradients cannot be tested; return the logits to test them"
)
NO_GRADIENTS = (
    "no gradients lead from the module's answers back to its inputs, as where it uses "
    "torch.no_grad(), detach() or argmax: attacks that train it again cannot be tested, and those "
    "that follow gradients ask it as those without access do; leave these out to test both"
)
UNKNOWN_TRAINING = (
    "how the stored module was trained is not said (model.training): trainings that attacks need "
    "use the default recipe"
)
LEAST_EPOCHS = 20
LEAST_STEPS = 1000  # fewer leave small networks at learning rate 0.001 far from what they can learn


class TorchModule(BuiltKind):
    """`model.build` returns an untrained torch.nn.Module."""

    about = "a torch module"
    keys = frozenset({"weights", "training", "answers"})

    def recognises(self, built: Any) -> bool:
        """Look at its class, without importing torch."""
        from goalkeeper.targets.torch import is_module

        return is_module(built)

    def train(self, built: Any, build: Callable[[], Any], context: ModelContext) -> Model:
        """Train the module by the described recipe, or load its parameters."""
        with context.errors_at(("model", "build"), "correct the module, or `model.training`"):
            _refuse_compiled(built)
            outputs = _find_outputs(built, context)
            trainer = _trainer(build, outputs, context)
            if context.form.weights is None:
                _refuse_untrainable(outputs)
                return Model(
                    target=trainer.fit_cached(context.splits.train, SEED),
                    trainer=trainer,
                    domain=trainer.domain,
                    compute=trainer.compute,
                )
        return _load_weights(context.form.weights, trainer, context)


def _refuse_untrainable(outputs: Outputs) -> None:
    if outputs.kind == "labels":
        raise TargetError(
            f"{outputs.what} returns class numbers, by which it cannot be trained; return the "
            "logits, one column a class"
        )
    if not outputs.followed:
        raise TargetError(
            f"no gradients lead back through {outputs.what}, so that it cannot be trained",
            "leave out torch.no_grad(), detach() and argmax in its forward()",
        )


def _refuse_compiled(module: Any) -> None:
    """Refuse forms of a module that cannot be trained or read as it can be itself."""
    import torch

    name = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        raise TargetError(
            f"build returns a TorchScript program ({name}), which cannot be trained again or read",
            "return the module itself, without torch.jit.script or torch.jit.trace",
        )
    if hasattr(module, "_orig_mod"):
        raise TargetError(
            "build returns what torch.compile made of a module",
            "return the module itself, without torch.compile: its answers are the same",
        )
    if any(map(torch.nn.parameter.is_lazy, [*module.parameters(), *module.buffers()])):
        raise TargetError(
            f"parameters of the {name} have no shape yet: it has lazy layers",
            "name the sizes of these layers, or call the module once on a batch in build()",
        )


def wrap_trained(module: Any, context: ModelContext) -> Model:
    """Make a target of a trained module in memory, whose recipe is `build` or its own layers.

    Raises
    ------
    TargetError
        What it returns is no answer, or can be read in two ways.
    """
    from goalkeeper.targets.torch import TorchTarget

    outputs = _find_outputs(module, context)
    build, caveats = _recipe_of(module, context), list[str]()
    if not outputs.trainable:
        build = None
        caveats.append(CLASS_NUMBERS if outputs.followed else NO_GRADIENTS)
    elif build is None:
        caveats.append(
            "the module has parameters that no layer can draw again: attacks that retrain it "
            "cannot be tested; give the function that returns the untrained module as `build`"
        )
    elif context.form.training is None:
        caveats.append(UNKNOWN_TRAINING)
    if build is None:
        target = TorchTarget(module, context.classes, context.domain, outputs=outputs)
        compute = replace(context.compute, device="cpu")
        return Model(target=target, trainer=None, domain=context.domain, compute=compute,
                     caveats=tuple(caveats))  # fmt: skip
    trainer = _trainer(build, outputs, context)
    placed = trainer.blueprint.place(copy.deepcopy(module))
    return Model(
        target=trainer.blueprint.target(placed),
        trainer=trainer,
        domain=trainer.domain,
        compute=trainer.compute,
        caveats=tuple(caveats),
    )


class UntrainedCopies:
    """Builds copies of a module whose layers have drawn their parameters again.

    Raises
    ------
    TargetError
        A layer has parameters, but no way to draw them.
    """

    def __init__(self, module: Any) -> None:
        from goalkeeper.training.recipes import describe_function

        self._module = copy.deepcopy(module)
        for layer in self._module.modules():
            own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
            if own and _reset_of(layer) is None:
                raise TargetError(f"{type(layer).__name__} has no reset_parameters()")
        # Names the recipe: no class or layout of another module gives the same one.
        layout = hashlib.sha256(str(module).encode()).hexdigest()[:12]
        self.__qualname__ = f"copies of {describe_function(type(module))} #{layout}"

    def __call__(self) -> Any:
        """Return a copy whose parameters are drawn from torch's generator."""
        fresh = copy.deepcopy(self._module).requires_grad_(requires_grad=True)
        for layer in fresh.modules():
            reset = _reset_of(layer)
            if reset is not None:
                reset()
        return fresh


def _reset_of(layer: Any) -> Callable[[], object] | None:
    """Return what draws the parameters of a layer again, under either name that torch uses."""
    names = ("reset_parameters", "_reset_parameters")
    return next((reset for n in names if callable(reset := getattr(layer, n, None))), None)


def _recipe_of(module: Any, context: ModelContext) -> Callable[[], Any] | None:
    if context.form.build is not None:
        return context.references.function(("model", "build"), context.form.build)
    try:
        return UntrainedCopies(module)
    except TargetError:
        return None


def _trainer(build: Callable[[], Any], outputs: Outputs, context: ModelContext) -> TorchTrainer:
    """Return the trainer of the described recipe, tuned where it can train."""
    from goalkeeper.training import TorchRecipe, TorchTrainer

    trainer = TorchTrainer(
        build,
        context.classes,
        context.domain,
        TorchRecipe(**_settings(context)),
        compute=context.compute,
        outputs=outputs,
    )
    return trainer.tune(context.splits.train) if outputs.trainable else trainer


def _settings(context: ModelContext) -> dict[str, Any]:
    """Return the described recipe; where its epochs are left out, as many as few records need."""
    training = context.form.training or TrainingForm()
    steps = max(1, len(context.splits.train) / training.batch)
    epochs = training.epochs or max(LEAST_EPOCHS, ceil(LEAST_STEPS / steps))
    return {**training.model_dump(), "epochs": epochs}


def _find_outputs(built: Any, context: ModelContext) -> Outputs:
    """Find out what the module returns, with its stored parameters if there are any."""
    from goalkeeper.targets.outputs import find_outputs
    from goalkeeper.training.networks import read_parameters

    if context.form.weights is not None:
        path = context.references.file(WEIGHTS, context.form.weights, "weights")
        with context.errors_at(WEIGHTS, ADVICE):
            built.load_state_dict(read_parameters(path, built))
    declared = context.declared(f"the module {type(built).__name__}")
    return find_outputs(built, context.domain, context.classes, context.sample, declared)


def _load_weights(name: str, trainer: TorchTrainer, context: ModelContext) -> Model:
    path = context.references.file(WEIGHTS, name, "weights")
    file = ModelFile(path, context.references.note_hash(path, name))
    with context.errors_at(WEIGHTS, ADVICE):
        target = trainer.load_parameters(path)
    outputs, caveats = target.outputs, []
    if not outputs.trainable:
        caveats.append(CLASS_NUMBERS if outputs.followed else NO_GRADIENTS)
    elif context.form.training is None:
        caveats.append(UNKNOWN_TRAINING)
    save = partial(_save_weights, path.suffix)
    return Model(
        target=target,
        trainer=trainer if outputs.trainable else None,
        domain=trainer.domain,
        compute=trainer.compute,
        caveats=tuple(caveats),
        # Nothing in such a file is run: safetensors cannot, and torch loads weights only.
        storage=context.storage(file, trainer.load_parameters, runs_code=False, save=save),
    )


def _save_weights(suffix: str, target: Target) -> bytes:
    module = getattr(target, "module", None)
    if module is None:
        raise NotOffered("another model cannot be stored in the format of this one")
    if suffix == ".safetensors":
        from safetensors.torch import save

        content: bytes = save(module.state_dict())
        return content
    import torch

    stream = io.BytesIO()
    torch.save(module.state_dict(), stream)
    return stream.getvalue()
