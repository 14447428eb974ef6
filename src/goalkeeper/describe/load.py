"""Load an application from an application file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goalkeeper.core.application import Application, Labeller, Wiring
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Splits
from goalkeeper.core.errors import DescriptionError, GoalkeeperError, PolicyError
from goalkeeper.core.surroundings import APART
from goalkeeper.describe.defaults import note_defaults, read_tolerances
from goalkeeper.describe.document import Document, Key, read
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.learning import learning_problems, note_learning, read_loop, try_learning
from goalkeeper.describe.problems import combine, problem
from goalkeeper.describe.references import References
from goalkeeper.describe.rules import broken_data_rules, broken_rules
from goalkeeper.describe.validation import inspect, may_follow
from goalkeeper.describe.whole_form import key_kinds

OF_RECORDS = frozenset({"data", "columns", "classes", "input"})  # keys by which records are read

if TYPE_CHECKING:
    from goalkeeper.core.fit import Expectation
    from goalkeeper.describe.changes import ThreatReader
    from goalkeeper.describe.kinds import Model
    from goalkeeper.describe.models import Modeller
    from goalkeeper.describe.records import ApplicationRecords
    from goalkeeper.describe.threats import RatingInputs
    from goalkeeper.policy import Policy


def load(
    path: Path | str, *, policy: Policy | None = None, compute: ComputeSettings | None = None
) -> Application:
    """Read an application file, its data and its model.

    Parameters
    ----------
    path
        The application file (YAML).
    policy
        Rules to use in place of those that the file names.
    compute
        Device, precision, processes and memory.

    Raises
    ------
    DescriptionError
        The file says something that cannot be used; the message names file, line and key.
    DataError
        The data cannot be cut, or the model cannot be trained on it.
    MissingExtra
        A file needs a package that is not installed.
    """
    APART.forget()
    return _Description.read(Path(path), policy).load(compute or ComputeSettings())


def load_document(document: Document, compute: ComputeSettings | None = None) -> Application:
    """Make the application that a document describes, read from a file or made in Python."""
    return _Description.of(document, None).load(compute or ComputeSettings())


def check(path: Path | str, *, data: bool = True) -> tuple[GoalkeeperError, ...]:
    """List what is wrong with an application file; empty when `load` will take it.

    Everything that the file itself says is checked at once. Its data is read only when that is
    right, and with `data`; models are neither trained nor opened.
    """
    try:
        description = _Description.read(Path(path), None, data=data)
        if data:
            description.records()
    except DescriptionError as error:
        return getattr(error, "problems", (error,))
    except GoalkeeperError as error:
        return (error,)
    return ()


def read_defences(path: Path | str) -> tuple[str | Mapping[str, Any], ...]:
    """Return what stands under `defences` in an application file; raises DescriptionError."""
    return _Description.read(Path(path), None, data=False).form.defences


def write_defended(
    path: Path | str, folder: Path | str, defences: Sequence[str | Mapping[str, Any]]
) -> str:
    """Return the text of an application file for another folder, with other defences.

    Parameters
    ----------
    path
        The application file.
    folder
        Where the text will stand: the same files are found from there.
    defences
        What is to stand under `defences`.

    Raises
    ------
    DescriptionError
        The application file says something that cannot be used.
    """
    from goalkeeper.describe.relocating import relocate

    references = _Description.read(Path(path), None).references
    return relocate(Path(path), references, Path(folder), defences)


def load_policy(path: Path | str) -> Policy:
    """Read the rules that an application file names, or the built-in ones."""
    document = read(Path(path))
    validated = inspect(document)  # what else is wrong in the file is reported when it is loaded
    if validated.form is None:
        raise combine(validated.problems)
    return _policy(References(document), validated.form)


@dataclass(frozen=True, eq=False)
class _Description:
    """An application file that is right in itself."""

    document: Document
    form: ApplicationForm
    references: References
    rating: RatingInputs

    @classmethod
    def read(cls, path: Path, policy: Policy | None, *, data: bool = True) -> _Description:
        """Read the file and report all its problems at once, see `of`."""
        hashes: dict[str, str] = {}
        document = read(path)
        References(document, hashes).note_hash(path, path.name)
        return cls.of(document, policy, hashes, data=data)

    @classmethod
    def of(
        cls,
        document: Document,
        policy: Policy | None,
        hashes: dict[str, str] | None = None,
        *,
        data: bool = True,
    ) -> _Description:
        """Check a document and report all its problems at once; `hashes` has those of files.

        With `data`, a document that has problems elsewhere has its records read as well, unless
        that runs the user's code: what is wrong there is reported beside them.
        """
        validated = inspect(document)
        if validated.form is None:
            raise combine(validated.problems)
        form, references = validated.form, References(document, {} if hashes is None else hashes)
        found, rating = _find_problems(references, form, policy)
        problems = [
            *validated.problems,
            *(e for e in found if not may_follow(e, validated.problems)),
        ]
        if rating is not None and not problems:
            return cls(document, form, references, rating)
        readable = not (validated.sections & OF_RECORDS or broken_data_rules(document, form))
        if rating is not None and data and readable and form.data.function is None:
            try:
                cls(document, form, references, rating).collect()
            except DescriptionError as error:
                problems += [e for e in (error,) if not may_follow(e, problems)]
        unique = {str(problem): problem for problem in problems}.values()
        raise combine(sorted(unique, key=_line))

    def load(self, compute: ComputeSettings) -> Application:
        """Read records and model, and put everything together."""
        records, splits, caveats = self.records()
        expects = self.expectation(records)
        model = self.modeller(compute).make(splits, records.domain)
        app = self.application(splits, model, (*caveats, *model.caveats))
        if self.form.defences:
            from goalkeeper.describe.defending import DefenceReader

            app = DefenceReader(self.document, self.form).apply(app)
        try_learning(self.document, app)
        noted = note_learning(self.form, app)
        return replace(app, expects=expects, caveats=(*app.caveats, *noted))

    def records(self) -> tuple[ApplicationRecords, Splits, tuple[str, ...]]:
        """Read and cut the records."""
        from goalkeeper.describe.parts import Cutter

        records, first = self.collect()
        noted = self._threat_reader().check(records)
        splits, caveats = Cutter(self.document, self.form, records).cut(first)
        return records, splits, (*noted, *caveats)

    def collect(self) -> tuple[ApplicationRecords, Bools | None]:
        """Read the records, and which of them are training data if files say so."""
        from goalkeeper.describe.reading import RecordReader
        from goalkeeper.describe.records import Collector

        raw, first = RecordReader(self.references, self.form).read()
        return Collector(self.document, self.form, raw).collect(), first

    def expectation(self, records: ApplicationRecords) -> Expectation | None:
        """Return what the file says of its model."""
        from goalkeeper.describe.expecting import ExpectationReader

        return ExpectationReader(self.references, self.form, records.raw, records.domain).read()

    def modeller(self, compute: ComputeSettings) -> Modeller:
        """Return what makes the model."""
        from goalkeeper.describe.models import Modeller

        return Modeller(self.references, self.form.model, self.form.classes, compute)

    def application(self, splits: Splits, model: Model, caveats: tuple[str, ...]) -> Application:
        """Put everything together."""
        from goalkeeper.training import lookalike

        form, rating = self.form, self.rating
        harmless = None if form.harmless is None else form.classes.index(form.harmless)
        labeller, reader = self._labeller(splits, model, harmless), self._threat_reader()
        return Application(
            name=form.name,
            description=form.description,
            target=model.target,
            data=splits,
            domain=model.domain,
            classes=form.classes,
            harmless=harmless,
            trainer=model.trainer,
            compute=model.compute,
            lookalike=None if model.trainer is None else lookalike(model.trainer, model.target),
            labeller=labeller,
            person=form.data.person,
            subgroups=form.data.subgroups,
            sensitive=form.data.sensitive,
            membership_is_sensitive=form.data.membership_is_sensitive,
            properties=reader.properties(),
            one_record_a_person=reader.one_record_a_person(),
            threats=reader.threats(),
            claims=(form.privacy and form.privacy.claims) or "",
            storage=model.storage,
            tolerances=read_tolerances(form),
            wiring=self._wiring(),
            feedback=read_loop(self.references, form),
            needs=rating.needs,
            attackers=rating.attackers,
            secrecy=rating.secrecy,
            caveats=(*note_defaults(form, rating), *caveats),
            hashes=dict(sorted(self.references.hashes.items())),
        )

    def _threat_reader(self) -> ThreatReader:
        from goalkeeper.describe.changes import ThreatReader

        return ThreatReader(self.document, self.form)

    def _wiring(self) -> Wiring:
        reactions, system = self.form.wiring, self.form.system
        if system is None:
            return Wiring(reactions=reactions)
        adapter = None
        if system.adapter is not None:
            adapter = self.references.function(("system", "adapter"), system.adapter)
        return Wiring(
            reactions=reactions,
            missing=system.missing,
            channel=system.channel or "",
            validates=system.validates,
            adapter=adapter,
        )

    def _labeller(self, splits: Splits, model: Model, harmless: int | None) -> Labeller:
        from goalkeeper.describe.labelling import FunctionLabeller, honest

        classes, labeller = self.form.classes, self.form.labeller
        if labeller is None:
            return honest(splits.train, model.domain, len(classes), harmless)
        return FunctionLabeller(self.references.function(("labeller",), labeller), classes)


def _find_problems(
    references: References, form: ApplicationForm, policy: Policy | None
) -> tuple[list[DescriptionError], RatingInputs | None]:
    """List what is wrong without looking at data; the inputs of the rating, if they can be read."""
    from goalkeeper.describe.changes import ThreatReader

    document = references.document
    rating: list[RatingInputs] = []
    problems = broken_rules(document, form)
    checks = [lambda: rating.append(_rating_inputs(references, form, policy))]
    for check_one in (*checks, *_files(references, form)):
        try:
            check_one()
        except DescriptionError as error:
            problems.append(error)
    problems += learning_problems(references, form)
    if form.defences:
        from goalkeeper.describe.defending import DefenceReader

        problems += DefenceReader(document, form).problems()
    problems += ThreatReader(document, form).problems()
    problems += [found for part in rating for found in part.problems]
    return problems, rating[0] if rating else None


def _line(found: DescriptionError) -> int:
    last = found.where.rsplit(":", 1)[-1]
    return int(last) if last.isdigit() else 0


def _policy(references: References, form: ApplicationForm) -> Policy:
    from goalkeeper.policy import Policy, default_policy

    if form.policy is None:
        return default_policy()
    paths: dict[str, Path] = {}
    for name in ("taxonomy", "rating"):
        file = getattr(form.policy, name)
        if file is not None:
            key: Key = ("policy", name)
            paths[name] = references.file(key, file, f"{name} file")
            references.note_hash(paths[name], file)
    try:
        return Policy.load(paths.get("taxonomy"), paths.get("rating"))
    except PolicyError as error:
        raise problem(
            references.document, ("policy",), str(error), advice="fix the policy file"
        ) from error


def _rating_inputs(
    references: References, form: ApplicationForm, policy: Policy | None
) -> RatingInputs:
    from goalkeeper.describe.threats import RatingInputs

    return RatingInputs(references.document, form, policy or _policy(references, form))


def _files(references: References, form: ApplicationForm) -> list[Callable[[], object]]:
    """List the checks that every named file and function exists; nothing is run or opened."""
    from goalkeeper.describe.models import Modeller

    data, model = form.data, form.model
    checks: list[Callable[[], object]] = []
    names: list[tuple[Key, str | None]] = [
        (("data", "file"), data.file),
        (("data", "train"), None if data.train is None else data.train.file),
        (("data", "test"), None if data.test is None else data.test.file),
        (("model", "expects", "answers"), None if model.expects is None else model.expects.answers),
    ]
    for key, name in names:
        if name is not None and key not in references.document.given:
            place = (*key, "file") if references.document.at((*key, "file")) else key
            checks.append(partial(references.file, place, name, "data file"))
    functions: list[tuple[Key, str | None]] = [
        (("data", "function"), data.function),
        (("model", "build"), model.build),
        (("labeller",), form.labeller),
        (("system", "adapter"), None if form.system is None else form.system.adapter),
    ]
    for key, name in functions:
        if name is not None and key not in references.document.given:
            checks.append(partial(references.locate, key, name))
    for kind_key, kind in key_kinds().items():
        handed_over = ("model", kind_key) in references.document.given
        if getattr(model, kind_key) is not None and not handed_over:
            checks.append(partial(kind.check, getattr(model, kind_key), references))
    if model.integrity is not None and ":" in model.integrity:
        checks.append(partial(references.locate, ("model", "integrity"), model.integrity))
    if model.weights is not None:
        checks.append(partial(references.file, ("model", "weights"), model.weights, "weights"))
    if model.file is not None:
        modeller = Modeller(references, form.model, form.classes, ComputeSettings())
        checks.append(modeller.find_file)
    return checks
