"""The model of an application file: trained here, loaded from a trusted file, or a function."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goalkeeper.core.application import Storage, Target, Trainer
from goalkeeper.core.data import Inputs, Splits
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.means import Means, Networks
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ModelForm
from goalkeeper.describe.problems import problem
from goalkeeper.describe.references import USER_ERRORS, References
from goalkeeper.describe.rules import MODELS
from goalkeeper.describe.storage import of_pickle, of_weights, protection
from goalkeeper.targets.checks import preflight
from goalkeeper.targets.unpickling import scan

if TYPE_CHECKING:
    from goalkeeper.training import TorchTrainer

SEED = 0
SAMPLE = 4
ANSWER = "return one class for every input, or scores with one column a class"
STORE = "store a trained scikit-learn classifier, and list its classes in `classes`"
_PICKLES = (b"\x80", b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x04\x22M\x18")


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A target, its recipe if it has one, and the domain as the model wants it."""

    target: Target
    trainer: Trainer | None
    domain: Domain
    means: Means
    caveats: tuple[str, ...] = ()
    storage: Storage | None = None


@dataclass(frozen=True, eq=False)
class Modeller:
    """Makes the model that a description names."""

    references: References
    form: ModelForm
    classes: tuple[str, ...]
    means: Means

    @property
    def _document(self) -> Document:
        return self.references.document

    def model(self, splits: Splits, domain: Domain) -> Model:
        """Train, load or wrap the model; raises DescriptionError."""
        if self.form.build is not None:
            return self._built(self.form.build, splits, domain)
        if self.form.file is not None:
            return self._stored(self.form.file, domain)
        return self._function(self.form.function or "", splits, domain)

    def tried(self, target: Target, x: Inputs) -> None:
        """Ask the target about some of the inputs `(n, ...)`; raises DescriptionError."""
        key: Key = ("model", next(k for k in MODELS if getattr(self.form, k) is not None))
        with self.telling(key, STORE if key[1] == "file" else ANSWER):
            preflight(target, x)

    @contextmanager
    def telling(self, key: Key, advice: str) -> Iterator[None]:
        """Tell what is wrong with data and model with the key that named the model."""
        try:
            yield
        except (DataError, TargetError) as error:
            raise problem(self._document, key, str(error), advice=advice) from error

    # ---- build ----------------------------------------------------------------------------------

    def _built(self, reference: str, splits: Splits, domain: Domain) -> Model:
        from goalkeeper.training import FunctionTrainer, SklearnTrainer, TorchRecipe, TorchTrainer

        key: Key = ("model", "build")
        build = self.references.function(key, reference)
        advice = (
            "return an untrained scikit-learn classifier or torch module from build(), or a "
            "trained one from build(x, y, seed)"
        )
        form = self.form.training
        recipe = None if form is None else TorchRecipe(**form.model_dump())
        with self.telling(key, advice), self.references.running(key, reference):
            made = FunctionTrainer(
                build, self.classes, domain, torch_recipe=recipe, means=self.means
            )
        inner = made.inner
        if isinstance(inner, TorchTrainer):
            return self._network(inner, splits)
        for extra in ("weights", "training"):
            if getattr(self.form, extra) is not None:
                raise problem(
                    self._document,
                    ("model", extra),
                    f"{extra} is for a torch module, but {reference} returns something else",
                    advice=f"leave out {extra}, or return a torch.nn.Module",
                )
        wanted = domain if inner is None else named(domain, inner.estimator)
        trainer: Trainer = made
        if inner is not None:
            trainer = SklearnTrainer(inner.estimator, self.classes, wanted, means=self.means)
        with self.telling(key, advice), self.references.running(key, reference):
            target = trainer.fit(splits.train, SEED)
        return Model(target=target, trainer=trainer, domain=wanted, means=self.elsewhere)

    @property
    def elsewhere(self) -> Means:
        """Means of models that are no networks: they compute on the CPU, and in no layout."""
        return replace(self.means, device="cpu", networks=self.means.networks or Networks())

    def _network(self, trainer: TorchTrainer, splits: Splits) -> Model:
        """Train a torch module, or load its parameters."""
        name = self.form.weights
        with self.telling(("model", "build"), "correct the module, or `model.training`"):
            trainer = trainer.tune(splits.train)
            made = partial(Model, trainer=trainer, domain=trainer.domain, means=trainer.means)
            if name is None:
                return made(target=trainer.fit_cached(splits.train, SEED))
        key: Key = ("model", "weights")
        path = self.references.file(key, name, "weights")
        self.references.noted(path, name)
        advice = "store the parameters of the very module that build returns"
        with self.telling(key, advice):
            target = trainer.load_parameters(path)
        caveats: tuple[str, ...] = ()
        if self.form.training is None:
            caveats = (
                "how the stored module was trained is not said (model.training): trainings that "
                "attacks need use the default recipe",
            )
        guard = protection(self.references, self.form.integrity, self.references.hashes[name])
        return made(
            target=target,
            caveats=caveats,
            storage=of_weights(path, guard, trainer),
        )

    # ---- file -----------------------------------------------------------------------------------

    def trusted(self) -> Path:
        """Find the model file and check that its hash is the one that the user trusts."""
        name = self.form.file or ""
        path = self.references.file(("model", "file"), name, "model file")
        digest = self.references.noted(path, name)
        lines = f"add these lines under model: `trust: true` and `sha256: {digest}`"
        why = "opening a pickle runs whatever code is in it, so goalkeeper opens only what you name"
        if not self.form.trust:
            raise problem(
                self._document,
                ("model", "file"),
                f"the model file is not trusted: {why}",
                expected="trust: true, and the sha256 of the file",
                given=f"trust: false, file with sha256 {digest}",
                advice=f"if you know where {path.name} comes from, {lines}",
            )
        if self.form.sha256 is None or self.form.sha256.lower() != digest:
            raise problem(
                self._document,
                ("model", "sha256"),
                "the hash of the trusted model file is missing"
                if self.form.sha256 is None
                else "the model file is not the one that you trusted",
                expected=f"sha256: {digest}",
                given=self.form.sha256 or "no sha256",
                advice=f"if you know where {path.name} comes from, {lines}",
            )
        return path

    def _stored(self, name: str, domain: Domain) -> Model:
        from goalkeeper.targets import SklearnTarget
        from goalkeeper.training import SklearnTrainer

        path = self.trusted()
        loaded, caveats = self._unpickled(path, name)
        wanted = named(domain, loaded)
        with self.telling(("model", "file"), STORE):
            target = SklearnTarget(loaded, self.classes, wanted, path)
        trainer = None
        if hasattr(loaded, "get_params"):
            from sklearn.base import clone

            trainer = SklearnTrainer(clone(loaded), self.classes, wanted, means=self.means)
        else:
            caveats = (*caveats, "the stored model cannot be trained anew")
        guard = protection(self.references, self.form.integrity, self.references.hashes[name])
        wrap = partial(SklearnTarget, classes=self.classes, domain=wanted)
        return Model(
            target=target,
            trainer=trainer,
            domain=wanted,
            means=self.elsewhere,
            caveats=caveats,
            storage=of_pickle(path, guard, wrap),
        )

    def _unpickled(self, path: Path, name: str) -> tuple[Any, tuple[str, ...]]:
        import joblib

        key: Key = ("model", "file")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.references.hashes[name]:
            raise problem(self._document, key, "the model file changed while it was read")
        if not content.startswith(_PICKLES):
            raise problem(
                self._document,
                key,
                f"{path.name} is not a pickle or joblib file",
                expected="a model stored with joblib.dump(model, file) or pickle.dump",
                given=f"a file that starts with {content[:8]!r}",
                advice="store the trained scikit-learn model with joblib.dump",
            )
        scanned = self._scanned(path, content)
        try:
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                loaded = joblib.load(io.BytesIO(content))
        except USER_ERRORS as error:
            raise problem(
                self._document,
                key,
                f"{path.name} cannot be loaded: {type(error).__name__}: {error}",
                expected="a model stored with joblib.dump(model, file) or pickle.dump",
                advice="install the packages and versions the model was stored with, or store it "
                "again",
            ) from error
        said = {str(w.message).splitlines()[0][:300] for w in seen}
        return loaded, (scanned, *(f"loading {path.name}: {line}" for line in sorted(said)))

    def _scanned(self, path: Path, content: bytes) -> str:
        """Look for hidden code before the file is loaded, and say what was found."""
        found = scan(content)
        if found.dangerous or found.problems:
            raise problem(
                self._document,
                ("model", "file"),
                f"{path.name} cannot be loaded safely: {found.said()}",
                expected="a pickle that names classes of models and arrays only",
                given=f"a {found.form}; it was read, but nothing in it was run",
                advice="find out where this file comes from, and store the model again; if it "
                "must be so, load it in a Python function of your own (model.function)",
            )
        return f"{path.name} was scanned before it was loaded: {found.said()}"

    # ---- function -------------------------------------------------------------------------------

    def _function(self, reference: str, splits: Splits, domain: Domain) -> Model:
        from goalkeeper.targets import PythonTarget

        key: Key = ("model", "function")
        function = self.references.function(key, reference)
        with self.telling(key, ANSWER):
            sample = splits.holdout.x[:SAMPLE]
            target = PythonTarget(function, self.classes, domain, sample=sample)
        said = "the model is a function: attacks that retrain it or read it cannot be tested"
        means = self.elsewhere
        return Model(target=target, trainer=None, domain=domain, means=means, caveats=(said,))


def named(domain: Domain, model: Any) -> Domain:
    """Give the model a DataFrame where it was made for one."""
    if not isinstance(domain, TableDomain) or domain.named or not _wants_names(model, domain):
        return domain
    return replace(domain, named=True)


def _wants_names(model: Any, domain: TableDomain) -> bool:
    known = getattr(model, "feature_names_in_", None)
    if known is not None:  # LightGBM makes up names for columns that had none
        return bool({column.name for column in domain.columns} & {str(name) for name in known})
    from sklearn.compose import ColumnTransformer

    parts: Sequence[Any] = [model]
    if hasattr(model, "get_params"):
        parts = [model, *model.get_params(deep=True).values()]
    chosen = [
        columns
        for part in parts
        if isinstance(part, ColumnTransformer)
        for _, _, columns in part.transformers
    ]
    return any(
        isinstance(columns, str)
        or (isinstance(columns, list) and columns and isinstance(columns[0], str))
        for columns in chosen
    )
