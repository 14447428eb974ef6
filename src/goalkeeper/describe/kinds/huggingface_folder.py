"""A Hugging Face folder with a trained classifier of texts or images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goalkeeper.core.domain import ImageDomain, TextDomain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile
from goalkeeper.describe.problems import problem
from goalkeeper.targets.file import FileTarget
from goalkeeper.targets.huggingface import Images, Texts, longest, read_model, read_part

CONFIG = "config.json"
SAFE = ("model.safetensors", "model.safetensors.index.json")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
SETTINGS = (
    CONFIG, "tokenizer_config.json", "preprocessor_config.json", "processor_config.json",
)  # fmt: skip
CODE = "auto_map"  # names classes in Python files of the folder, or of a repository
SAMPLE = 4  # inputs by which the target is tried out
LOOKED = 200  # texts whose length is looked at
TEXTS = "AutoModelForSequenceClassification"
IMAGES = "AutoModelForImageClassification"


class HuggingFaceFolder(FileKind):
    """`model.file` is a folder that `save_pretrained` wrote; images have gradients."""

    about = "a Hugging Face folder of a text or image classifier"
    advice = (
        "store the classifier, and its tokenizer or image processor, into one folder with "
        "save_pretrained, and list its classes in `classes` as in its id2label"
    )

    def recognises(self, file: ModelFile) -> bool:
        """Look for the configuration and the weights."""
        folder = file.path
        if not folder.is_dir() or not any((folder / name).is_file() for name in SAFE + PICKLED):
            return False
        found = _settings(folder / CONFIG)
        return "architectures" in found or "model_type" in found

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Load model and preprocessing; code in the folder is refused."""
        folder, config = file.path, _settings(file.path / CONFIG)
        _refuse_code(folder, context)
        order = _order(config, context.classes, folder.name)
        make = _images if isinstance(context.domain, ImageDomain) else _texts
        target, notes = make(folder, config, order, context)
        caveats = ["the model is a stored network: attacks that retrain it cannot be tested"]
        return Model(
            target=target,
            trainer=None,
            domain=context.domain,
            compute=context.cpu_settings,
            caveats=(*caveats, *(f"{folder.name}: {note}" for note in notes)),
        )


def _settings(path: Path) -> dict[str, Any]:
    """Read a JSON file; empty where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _refuse_code(folder: Path, context: ModelContext) -> None:
    for name in SETTINGS:
        mapped = _settings(folder / name).get(CODE)
        if mapped:
            named = ", ".join(map(str, mapped.values() if isinstance(mapped, dict) else [mapped]))
            raise problem(
                context.references.document,
                ("model", "file"),
                f"{folder.name} needs Python code of its own ({CODE} in {name}: {named}), which is "
                "never run",
                expected="a model whose classes are in the package transformers",
                advice="read that code, and if it is harmless load the model in a Python function "
                "of your own (model.function)",
            )


def _order(config: dict[str, Any], classes: Sequence[str], name: str) -> tuple[int, ...]:
    """Find the model's classes among those of the application; raises TargetError.

    By name, where id2label names them; by number where it only says LABEL_0, LABEL_1, ...
    """
    given = config.get("id2label") or {str(i): f"LABEL_{i}" for i in (0, 1)}
    names = [str(given[key]) for key in sorted(given, key=int)]
    if len(names) != len(classes):
        raise TargetError(
            f"{name} knows {len(names)} classes ({', '.join(names)}), but the application lists "
            f"{len(classes)}: {', '.join(classes)}; list every class of the model"
        )
    if names == [f"LABEL_{i}" for i in range(len(names))]:
        return tuple(range(len(names)))
    for write in (str, str.casefold):
        places = {write(c): i for i, c in enumerate(classes)}
        found = [places.get(write(entry), -1) for entry in names]
        if sorted(found) == list(range(len(classes))):
            return tuple(found)
    raise TargetError(
        f"{name} knows the classes {', '.join(names)} (id2label), but the application lists "
        f"{', '.join(classes)}; write the classes in both as in the labels of the data"
    )


def _check_task(config: dict[str, Any], ending: str, name: str, what: str) -> None:
    made = config.get("architectures") or ["a model without a name"]
    if not any(str(architecture).endswith(ending) for architecture in made):
        raise TargetError(
            f"{name} holds {', '.join(map(str, made))}, but the inputs are {what}: a model whose "
            f"architecture ends in {ending} is needed"
        )
    task = config.get("problem_type")
    if task in ("regression", "multi_label_classification"):
        raise TargetError(f"{name} was trained for {task}, and gives no single class an input")


def _is_safe(folder: Path) -> bool:
    return any((folder / name).is_file() for name in SAFE)


Made = tuple[FileTarget, list[str]]


def _texts(
    folder: Path, config: dict[str, Any], order: Sequence[int], context: ModelContext
) -> Made:
    if not isinstance(context.domain, TextDomain):
        raise TargetError(
            f"{folder.name} is for texts or images, but the inputs are rows of a table"
        )
    _check_task(config, "ForSequenceClassification", folder.name, "texts")
    model = read_model(folder, TEXTS, safetensors=_is_safe(folder))
    tokenizer = read_part(folder, "AutoTokenizer")
    reply = Texts(model, tokenizer, longest(tokenizer, model.config), order)
    texts = context.splits.holdout.x
    target = _target(reply, folder, context)
    notes = []
    cut = reply.too_long(texts[:LOOKED])
    if cut:
        notes.append(
            f"{cut} of {len(texts[:LOOKED])} texts have more than {reply.length} tokens; the model "
            "sees only their beginning, as the tokenizer says"
        )
    return target, notes


def _images(
    folder: Path, config: dict[str, Any], order: Sequence[int], context: ModelContext
) -> Made:
    domain = context.domain
    if not isinstance(domain, ImageDomain):
        raise TargetError(f"{folder.name} is for images, but the inputs are none")
    _check_task(config, "ForImageClassification", folder.name, "images")
    model = read_model(folder, IMAGES, safetensors=_is_safe(folder))
    processor = read_part(folder, "AutoImageProcessor")
    reply = Images(model, processor, domain.shape, domain.high, order)
    target, notes = _target(reply, folder, context), []
    try:
        target = target.with_twin(reply.twin(), context.splits.holdout.x[:SAMPLE])
    except NotOffered as error:
        notes.append(f"gradients are not available, so that it is a black box: {error}")
    if reply.repeated:
        notes.append("the images are grey: their channel is repeated for each colour")
    return target, notes


def _target(reply: Texts | Images, folder: Path, context: ModelContext) -> FileTarget:
    return FileTarget(
        reply,
        context.classes,
        context.domain,
        sample=context.splits.holdout.x[:SAMPLE],
        path=folder,
        what=f"the Hugging Face model {folder.name}",
    )
