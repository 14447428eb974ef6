"""Classifiers of Hugging Face folders: what tokenizer, image processor and model make of inputs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.errors import MissingExtra, NotOffered, TargetError
from goalkeeper.targets.file import Reply
from goalkeeper.targets.returned import softmax
from goalkeeper.targets.torch import need_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCH = 32  # inputs that are computed at once
NO_LIMIT = 1_000_000  # tokens: tokenizers write a far larger number where they have no limit
SILENT = 50  # level of messages: errors that end the program
OFFLINE = "HF_HUB_OFFLINE"


@dataclass(frozen=True, eq=False)
class Texts:
    """Answers texts `(n,)` with probabilities `(n, classes)`.

    Parameters
    ----------
    model
        The trained classifier.
    tokenizer
        What cuts texts into tokens.
    length
        Most tokens that the model takes; 0: no limit is known.
    order
        Index, among the application's classes, of each of the model's.
    """

    model: Any
    tokenizer: Any
    length: int
    order: Sequence[int]

    def __call__(self, texts: Any) -> Reply:
        """Return no classes, and probabilities."""
        torch, parts = need_torch(), []
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH):
                given = self.encoded([str(text) for text in texts[start : start + BATCH]])
                parts.append(self.model(**given).logits.double().numpy())
        return None, ordered(softmax(np.concatenate(parts)), self.order)

    def encoded(self, texts: list[str]) -> Any:
        """Return the tensors that the model takes."""
        limit = {"truncation": True, "max_length": self.length} if self.length else {}
        return self.tokenizer(texts, padding=True, return_tensors="pt", **limit)

    def too_long(self, texts: Any) -> int:
        """Count the texts that have more tokens than the model takes."""
        if not self.length:
            return 0
        found = self.tokenizer([str(text) for text in texts], truncation=False, verbose=False)
        return sum(len(tokens) > self.length for tokens in found["input_ids"])


@dataclass(frozen=True, eq=False)
class Images:
    """Answers flattened images `(n, pixels)` with probabilities `(n, classes)`.

    Parameters
    ----------
    model
        The trained classifier.
    processor
        What scales and normalises images.
    shape
        Channels, height and width of an image.
    high
        Largest value of a pixel: 1, or 255.
    order
        Index, among the application's classes, of each of the model's.
    """

    model: Any
    processor: Any
    shape: tuple[int, int, int]
    high: float
    order: Sequence[int]

    def __call__(self, x: Any) -> Reply:
        """Return no classes, and probabilities."""
        torch, parts = need_torch(), []
        images = np.asarray(x, dtype=np.float32).reshape(-1, *self.shape)
        if self.repeated:
            images = np.repeat(images, self.channels, axis=1)
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                given = self.processor(
                    list(images[start : start + BATCH]),
                    input_data_format="channels_first",
                    do_rescale=self.rescales,
                    return_tensors="pt",
                )
                parts.append(self.model(**given).logits.double().numpy())
        return None, ordered(softmax(np.concatenate(parts)), self.order)

    @property
    def channels(self) -> int:
        """How many channels the model takes."""
        return int(getattr(self.model.config, "num_channels", self.shape[0]))

    @property
    def repeated(self) -> bool:
        """Whether grey images are given to a model for colours."""
        return self.shape[0] == 1 and self.channels > 1

    @property
    def rescales(self) -> bool:
        """Whether pixels are bytes, which the processor divides by 255."""
        return self.high > 1 and bool(getattr(self.processor, "do_rescale", True))

    def twin(self) -> nn.Module:
        """Return a torch module from images `(n, channels, height, width)` to logits.

        Raises
        ------
        NotOffered
            The processor does something that has no torch form here.
        """
        torch, settings = need_torch(), self.processor
        size = getattr(settings, "size", None) or {}
        wanted = (size.get("height"), size.get("width"))
        if getattr(settings, "do_resize", False) and wanted != self.shape[1:]:
            raise NotOffered("its processor changes the size of the images")
        if getattr(settings, "do_center_crop", False):
            raise NotOffered("its processor crops the images")
        normalised = bool(getattr(settings, "do_normalize", False))
        mean = settings.image_mean if normalised else [0.0]
        deviation = settings.image_std if normalised else [1.0]
        factor = float(settings.rescale_factor) if self.rescales else 1.0
        repeats = self.channels if self.repeated else 1
        inner, back = self.model, np.argsort(self.order).copy()

        class Normalised(torch.nn.Module):  # type: ignore[misc, name-defined]
            """The model behind its image processor."""

            def __init__(self) -> None:
                super().__init__()
                self.inner = inner
                self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1))
                self.register_buffer("deviation", torch.tensor(deviation).reshape(1, -1, 1, 1))
                self.register_buffer("back", torch.as_tensor(back))

            def forward(self, x: Tensor) -> Tensor:
                """Return logits `(n, classes)`."""
                pixels = (x.repeat(1, repeats, 1, 1) * factor - self.mean) / self.deviation
                logits: Tensor = self.inner(pixel_values=pixels).logits.index_select(1, self.back)
                return logits

        module: nn.Module = Normalised()
        return module


def ordered(scores: Any, order: Sequence[int]) -> Any:
    """Put columns `(n, classes)` where the application has them."""
    out = np.empty_like(scores)
    out[:, list(order)] = scores
    return out


# ---- loading ----------------------------------------------------------------------------------


def read_model(folder: Path, task: str, *, safetensors: bool) -> Any:
    """Load the model of a folder, without code of its own and without a network.

    Parameters
    ----------
    folder
        Where it is.
    task
        `AutoModelForSequenceClassification` or `AutoModelForImageClassification`.
    safetensors
        Whether its weights are stored so; else torch reads them with `weights_only=True`.

    Raises
    ------
    TargetError
        It cannot be loaded, or weights are missing, which would be drawn at random.
    """
    transformers = _need_transformers()
    with _quiet_and_offline(folder.name):
        model, found = getattr(transformers, task).from_pretrained(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=safetensors,
            weights_only=True,
            output_loading_info=True,
        )
    missing = sorted(found["missing_keys"])
    if missing:
        raise TargetError(
            f"{folder.name} lacks {len(missing)} of the weights of {type(model).__name__} "
            f"({', '.join(missing[:3])}), which would be drawn at random"
        )
    return model.float().eval()


def read_part(folder: Path, part: str) -> Any:
    """Load `AutoTokenizer` or `AutoImageProcessor` of a folder, as `read_model` does."""
    transformers = _need_transformers()
    with _quiet_and_offline(folder.name):
        return getattr(transformers, part).from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )


def longest(tokenizer: Any, config: Any) -> int:
    """Return the most tokens that model and tokenizer take; 0: no limit is known."""
    limits = [tokenizer.model_max_length, getattr(config, "max_position_embeddings", None)]
    known = [int(n) for n in limits if n is not None and 0 < n < NO_LIMIT]
    return min(known, default=0)


def _need_transformers() -> Any:
    try:
        with _environment():
            import transformers
    except ImportError as error:
        raise MissingExtra("transformers", "huggingface") from error
    return transformers


@contextmanager
def _environment() -> Iterator[None]:
    """Say in the environment that there is no network, which the library reads when imported."""
    before = os.environ.get(OFFLINE)
    os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(OFFLINE, None)  # another thread may have taken it away
        else:
            os.environ[OFFLINE] = before


@contextmanager
def _quiet_and_offline(name: str) -> Iterator[None]:
    """Load without progress bars, warnings of the library, and network; name what fails."""
    logging = _need_transformers().utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(SILENT)
    logging.disable_progress_bar()
    try:
        with _environment():
            yield
    except Exception as error:  # whatever the library raises, this folder cannot be loaded
        lines = str(error).strip().splitlines() or ["no reason given"]
        reason = f"{type(error).__name__}: {lines[0][:300]}"
        raise TargetError(f"transformers cannot load {name}: {reason}") from error
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
