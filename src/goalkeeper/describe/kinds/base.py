"""What a kind of model is: how it is recognised, and how it becomes a target."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from goalkeeper.core.application import Storage, Target, Trainer
from goalkeeper.core.compute_settings import ComputeSettings, Networks
from goalkeeper.core.data import Inputs, Splits
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import DataError, NotOffered, TargetError
from goalkeeper.describe.document import Key
from goalkeeper.describe.form import ModelForm
from goalkeeper.describe.problems import problem
from goalkeeper.describe.references import References
from goalkeeper.describe.storage import protection
from goalkeeper.targets.answers import Declared

SAMPLE = 200  # inputs that show what a model answers with: few enough for one that is slow
HEAD = 4096  # bytes: magic numbers and the first keys of a JSON file stand in front


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A target, its recipe if it has one, and the domain as the model wants it."""

    target: Target
    trainer: Trainer | None
    domain: Domain
    compute: ComputeSettings
    caveats: tuple[str, ...] = ()
    storage: Storage | None = None


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A file or folder that is said to hold a trained model.

    Parameters
    ----------
    path
        Where it is.
    sha256
        The hash that was noted, and that the user may have to name.
    content
        What the file would hold, of a model in memory, which has no file; else None.
    """

    path: Path
    sha256: str
    content: bytes | None = None

    @cached_property
    def head(self) -> bytes:
        """The first bytes, 4096 at most; none of a folder."""
        if self.content is not None:
            return self.content[:HEAD]
        if self.path.is_dir():
            return b""
        with self.path.open("rb") as stream:
            return stream.read(HEAD)

    def read(self) -> bytes:
        """Return the whole content; raises TargetError where it is no longer what was hashed."""
        if self.content is not None:
            return self.content
        content = self.path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise TargetError("the model file changed while it was read")
        return content


def _spread(x: Inputs, count: int) -> Inputs:
    return x[np.linspace(0, len(x) - 1, min(count, len(x))).astype(np.int64)]


def _refuse_to_save(target: Target) -> bytes:
    raise NotOffered("another model cannot be stored in the format of this one")


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelContext:
    """What an application file says around its model, for a kind that makes a target of it."""

    references: References
    form: ModelForm
    classes: tuple[str, ...]
    domain: Domain
    splits: Splits
    compute: ComputeSettings

    @property
    def cpu_settings(self) -> ComputeSettings:
        """Settings of models that are not networks: they compute on the CPU, and in no layout."""
        return replace(self.compute, device="cpu", networks=self.compute.networks or Networks())

    @property
    def sample(self) -> Inputs:
        """Inputs by which it is found out what a model answers with.

        Half of them are training data, half unseen, spread evenly: files are often sorted by
        class.
        """
        parts = (self.splits.train.x, self.splits.holdout.x)
        return np.concatenate([_spread(x, SAMPLE // 2) for x in parts])

    def declared(self, what: str) -> Declared:
        """Return what the file says of answers: `model.answers` and `model.refusal`."""
        form = self.form
        return Declared(kind=form.answers or "", refusal=form.refusal or "", what=what)

    @contextmanager
    def errors_at(self, key: Key, advice: str) -> Iterator[None]:
        """Name the key, and say what to do, where data and model do not fit."""
        try:
            yield
        except (DataError, TargetError) as error:
            document = self.references.document
            raise problem(document, key, error.what, advice=error.remedy or advice) from error

    def storage(
        self,
        file: ModelFile,
        load: Callable[[Path], Target],
        *,
        runs_code: bool,
        save: Callable[[Target], bytes] = _refuse_to_save,
    ) -> Storage | None:
        """Say how the application stores its model, under the check that the user declared.

        None for a model in memory: how it is stored is not known.

        Parameters
        ----------
        file
            The genuine file.
        load
            Loads a file the application's own way; raises what loading raises.
        runs_code
            Whether that can run code which stands in the file.
        save
            Returns the bytes of another model in the same format; raises NotOffered.
        """
        if file.content is not None:
            return None
        guard = protection(self.references, self.form.integrity, file.sha256)
        return Storage(
            read=file.path.read_bytes,
            suffix=file.path.suffix,
            runs_code=runs_code,
            protection=guard.words,
            check=guard.check,
            load=load,
            save=save,
        )


class TargetKind(ABC):
    """One kind of model. Kinds have no state; they derive from one of the three classes below.

    Class attributes
    ----------------
    about
        What it is, in words for the schema and for errors, e.g. `an XGBoost model`.
    advice
        What to do where its answers cannot be used.
    fallback
        Whether it is asked only where no other kind recognises what is given.
    """

    about: ClassVar[str]
    advice: ClassVar[str] = "return one class for every input, or scores with one column a class"
    fallback: ClassVar[bool] = False


class FileKind(TargetKind):
    """A trained model in a file or folder, `model.file`, recognised by its content.

    Class attributes
    ----------------
    runs_code
        Whether loading it can run code that stands in the file: it is then loaded only where the
        user trusts the file and names its hash.
    """

    runs_code: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, file: ModelFile) -> bool:
        """Tell by the content whether it is of this kind, without running anything in it."""

    def inner(self, file: ModelFile) -> Path | None:
        """Return the file in a folder that is the model itself, to be loaded by its own kind.

        None: what was given is the model. Raises TargetError where there is no such file.
        """
        return None

    def content_of(self, model: Any) -> bytes | None:
        """Return what the file of a model in memory would hold; None if it is of another kind.

        So a model that is handed over in Python is read as its file would be.
        """
        return None

    @abstractmethod
    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Make a target of it; raises DescriptionError, DataError or TargetError."""


class BuiltKind(TargetKind):
    """An untrained model that the user's function `model.build` returns.

    Class attributes
    ----------------
    keys
        Further keys under `model` that are for this kind.
    """

    keys: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def recognises(self, built: Any) -> bool:
        """Tell whether what the function returned is of this kind."""

    @abstractmethod
    def train(self, built: Any, build: Callable[[], Any], context: ModelContext) -> Model:
        """Train it on `context.splits.train`; raises DescriptionError, DataError or TargetError.

        Parameters
        ----------
        built
            What one call of `build` returned.
        build
            The user's function, for kinds that need a fresh model each time.
        context
            What the application file says around the model.
        """


class KeyKind(TargetKind):
    """A model that is named by a key of its own under `model`, e.g. `function`.

    Class attributes
    ----------------
    key
        The key; `about` is its description in the schema.
    value_type
        The type of its value: any type that a pydantic field may have.
    """

    key: ClassVar[str]
    value_type: ClassVar[Any] = str

    @abstractmethod
    def check(self, value: Any, references: References) -> None:
        """Raise DescriptionError where what the value names is not there; run nothing."""

    @abstractmethod
    def load(self, value: Any, context: ModelContext) -> Model:
        """Make a target of it; raises DescriptionError, DataError or TargetError."""


def is_of(model: Any, package: str, name: str) -> bool:
    """Tell whether a model has a class of this name of a package, without importing it."""
    return any(
        c.__name__ == name and c.__module__.partition(".")[0] == package
        for c in type(model).__mro__
    )


def any_of(words: Iterable[str], last: str = "or") -> str:
    """List words with a last joining word: a, b or c."""
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end
