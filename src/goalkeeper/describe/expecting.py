"""What an application file says of its model, `model.expects`: an accuracy, or known answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Data
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.fit import Expectation
from goalkeeper.describe.document import Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_data import ColumnForm, SourceForm
from goalkeeper.describe.problems import problem
from goalkeeper.describe.raw import Raw
from goalkeeper.describe.reading import RecordReader
from goalkeeper.describe.records import Collector
from goalkeeper.describe.references import References

if TYPE_CHECKING:
    import pandas as pd

ANSWER = "answer"
ANSWERS: Key = ("model", "expects", "answers")


@dataclass(frozen=True, eq=False)
class ExpectationReader:
    """Reads what is expected of the model.

    Parameters
    ----------
    references
        Finds the file of answers.
    form
        The application file.
    raw
        All records of the application, as they were read.
    domain
        What an input looks like, as found from these records.
    """

    references: References
    form: ApplicationForm
    raw: Raw
    domain: Domain

    def read(self) -> Expectation | None:
        """Return what is expected; None where nothing is said.

        Raises
        ------
        DescriptionError
            The file with the answers cannot be read, or does not have the columns of the data.
        """
        given = self.form.model.expects
        if given is None:
            return None
        if given.answers is None:
            return Expectation(accuracy=given.accuracy, part=given.part)
        return Expectation(known=self._known(given.answers), source=given.answers)

    def _known(self, name: str) -> Data:
        """Read inputs and answers behind all other records, so that they are coded alike."""
        source = SourceForm(file=name, inputs=self.form.data.inputs, label=ANSWER)
        # As the label column, answers are read as words: a class 01 is not the number 1.
        data = self.form.data.model_copy(update={"label": ANSWER})
        form = self.form.model_copy(update={"data": data})
        known = RecordReader(self.references, form).read_file(ANSWERS, source)
        both = Raw(
            frame=self._stacked(known),
            origin=(*self.raw.origin, *known.origin),
            label=self.raw.label,
            images=self._images(known),
            text=self.raw.text,
            features=self.raw.features,
        )
        document = self.references.document
        records = Collector(document, self._coded_alike(), both).collect()
        return records.data.take(slice(len(self.raw.frame), None))

    def _stacked(self, known: Raw) -> pd.DataFrame:
        import pandas as pd

        frame, theirs, label = self.raw.frame, known.frame, self.raw.label
        answer = ANSWER if ANSWER in theirs.columns else known.label
        if answer is None or answer not in theirs.columns:
            raise self._problem(
                f"the file has no column {ANSWER}",
                expected=f"the columns of the data, and {ANSWER}: what your system answers",
                advice=f"add a column {ANSWER}",
            )
        columns: dict[str, Any] = {}
        for name in frame.columns:
            if name == label:
                columns[name] = theirs[answer].to_numpy()
            elif name in theirs.columns:
                columns[name] = theirs[name].to_numpy()
            elif name in self._inputs():
                raise self._problem(
                    f"the file has no column {name}, which the model needs",
                    expected=f"the columns of the data, and {ANSWER}",
                    advice="write the inputs as they are in the data",
                )
            else:  # beside the inputs, such as a person: no answer depends on it
                columns[name] = np.full(len(theirs), frame[name].iloc[0], dtype=object)
        stacked = pd.DataFrame(columns, columns=list(frame.columns))
        return pd.concat([frame, stacked], ignore_index=True)

    def _inputs(self) -> set[str]:
        if isinstance(self.domain, TableDomain):
            return {column.name for column in self.domain.columns}
        text = self.form.data.text if self.raw.text is None else self.raw.text
        return set() if text is None else {text}

    def _images(self, known: Raw) -> Any:
        if self.raw.images is None:
            return None
        if known.images is None or known.images.shape[1:] != self.raw.images.shape[1:]:
            raise self._problem(
                "the inputs are not images as those of the data",
                expected=f"images {self.raw.images.shape[1:]}",
                advice="give an npz file with the inputs under the name that they have in the data",
            )
        return np.concatenate([self.raw.images, known.images])

    def _coded_alike(self) -> ApplicationForm:
        """Return the form with the categories of the data: an unknown one is then an error."""
        if not isinstance(self.domain, TableDomain):
            return self.form
        columns = {
            c.name: ColumnForm(type="category", categories=c.categories)
            for c in self.domain.columns
            if c.kind == "category"
        }
        return self.form.model_copy(update={"columns": {**self.form.columns, **columns}})

    def _problem(self, what: str, **details: Any) -> Exception:
        return problem(self.references.document, ANSWERS, what, **details)
