"""An untrained torch module: trained here, or filled with stored parameters."""

from __future__ import annotations

import io
from collections.abc import Callable
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
        from goalkeeper.training import TorchRecipe, TorchTrainer

        recipe = TorchRecipe(**_settings(context))
        with context.errors_at(("model", "build"), "correct the module, or `model.training`"):
            outputs = _find_outputs(built, context)
            trainer = TorchTrainer(
                build,
                context.classes,
                context.domain,
                recipe,
                compute=context.compute,
                outputs=outputs,
            )
            if outputs.kind != "labels":
                trainer = trainer.tune(context.splits.train)
            elif context.form.weights is None:
                raise TargetError(
                    f"{outputs.what} returns class numbers, by which it cannot be trained; return "
                    "the logits, one column a class"
                )
            if context.form.weights is None:
                return Model(
                    target=trainer.fit_cached(context.splits.train, SEED),
                    trainer=trainer,
                    domain=trainer.domain,
                    compute=trainer.compute,
                )
        return _load_weights(context.form.weights, trainer, context)


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
    numbers, caveats = target.outputs.kind == "labels", []
    if numbers:
        caveats.append(
            "the module returns class numbers: it gives labels only, and attacks that retrain it "
            "or follow gradients cannot be tested; return the logits to test them"
        )
    elif context.form.training is None:
        caveats.append(
            "how the stored module was trained is not said (model.training): trainings that "
            "attacks need use the default recipe"
        )
    save = partial(_save_weights, path.suffix)
    return Model(
        target=target,
        trainer=None if numbers else trainer,
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
