"""A trained Keras 3 model in a `.keras` file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import MissingExtra, NotOffered, TargetError
from goalkeeper.describe.kinds._archives import entries
from goalkeeper.describe.kinds._frames import with_names
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile, is_of
from goalkeeper.targets.file import FileTarget
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.keras import CONFIG, WEIGHTS, KerasModel, reply_of, unsafe_parts

HDF5 = b"\x89HDF\r\n\x1a\n"


class KerasArchive(FileKind):
    """`model.file` was written by `model.save("m.keras")`; gradients where torch computes it."""

    about = "a Keras 3 classifier (.keras)"
    advice = (
        "save the classifier with model.save('model.keras'), list its classes in `classes` in the "
        "order of its outputs, and let `data.features` name its columns in its order"
    )

    def recognises(self, file: ModelFile) -> bool:
        """Look for configuration and weights; files of Keras 2 are recognised, to be refused."""
        return {CONFIG, WEIGHTS} <= entries(file) or file.head.startswith(HDF5)

    def content_of(self, model: Any) -> bytes | None:
        """Write a Keras model as model.save does."""
        if not is_of(model, "keras", "Model"):
            return None
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how Keras saves; nobody asked for a file
            path = Path(folder) / "model.keras"
            model.save(path)
            return path.read_bytes()

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Load it in safe mode; code and classes from outside of Keras are refused."""
        load = partial(_load, context.classes, context.domain, context.sample)
        target, notes = load(file.read(), file.path)
        caveats = ["the model is a stored Keras model: attacks that retrain it cannot be tested"]
        return Model(
            target=target,
            trainer=None,
            domain=context.domain,
            compute=context.cpu_settings,
            caveats=(*caveats, *(f"{file.path.name}: {note}" for note in notes)),
            storage=context.storage(file, partial(_load_again, load), runs_code=False),
        )


def _load_again(load: Any, path: Path) -> FileTarget:
    target: FileTarget = load(path.read_bytes(), path)[0]
    return target


def _load(
    classes: Sequence[str], domain: Domain, sample: Inputs, content: bytes, path: Path
) -> tuple[FileTarget, list[str]]:
    name, notes = path.name, []
    if content.startswith(HDF5):
        raise TargetError(
            f"{name} is an HDF5 file, the format of Keras 2, which can hold code: load it there "
            "and save it as model.save('model.keras')"
        )
    unsafe = unsafe_parts(content)
    if unsafe:
        raise TargetError(
            f"{name} holds {', '.join(unsafe)}, which loading would run or read; call the model in "
            "a function of your own (model.function), or save it with layers of Keras only"
        )
    given = with_names(domain)
    reply = reply_of(KerasModel(content, name), domain, prepared(sample, given), classes)
    what = f"the Keras model {name}"
    target = FileTarget(reply, classes, given, sample=sample, path=path, what=what)
    try:
        target = target.with_twin(reply.twin(), sample)
    except (NotOffered, MissingExtra) as error:
        notes.append(f"gradients are not available, so that it is a black box: {error}")
    return target, notes
