"""The defences that an application file names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from goalkeeper.core.application import Application
from goalkeeper.core.errors import DataError, DescriptionError, TargetError
from goalkeeper.defences import Chosen, apply_chosen, catalogue
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.problems import choice, problem

KEY = "defences"


@dataclass(frozen=True, eq=False)
class DefenceReader:
    """Reads `defences`, and applies them."""

    document: Document
    form: ApplicationForm

    def problems(self) -> list[DescriptionError]:
        """List what is wrong with the names and settings; nothing is trained."""
        found = []
        for place, entry in enumerate(self.form.defences):
            try:
                self._read(place, entry)
            except DescriptionError as error:
                found.append(error)
        return found

    def chosen(self) -> Iterator[Chosen]:
        """Yield the defences in their order; raises DescriptionError."""
        for place, entry in enumerate(self.form.defences):
            yield self._read(place, entry)

    def apply(self, app: Application) -> Application:
        """Return the defended application; raises DescriptionError where it cannot be made."""
        for place, chosen in enumerate(self.chosen()):
            try:
                app = apply_chosen(app, (chosen,))
            except (DataError, TargetError) as error:
                advice = "leave this defence out, or give the application what it needs"
                raise problem(self.document, (KEY, place), str(error), advice=advice) from error
        return app

    def _read(self, place: int, entry: str | Mapping[str, Mapping[str, Any]]) -> Chosen:
        key: Key = (KEY, place)
        given = {entry: {}} if isinstance(entry, str) else entry
        if len(given) != 1:
            advice = "write one defence an entry: `- name: {setting: value}`"
            raise problem(self.document, key, "this is not one defence", advice=advice)
        name, settings = next(iter(given.items()))
        known = catalogue()
        if name not in known:
            raise problem(
                self.document,
                key,
                "there is no such defence",
                expected="one of " + ", ".join(known),
                given=name,
                advice=choice(name, known),
            )
        defence = known[name]()
        try:
            return Chosen(name, defence, defence.settings.model_validate(settings))
        except ValidationError as error:
            raise self._wrong_setting((*key, name), defence.settings, error) from error

    def _wrong_setting(self, key: Key, form: type[Any], error: ValidationError) -> DescriptionError:
        """Translate the first error of a setting."""
        item = error.errors(include_url=False)[0]
        setting = str(item["loc"][0]) if item["loc"] else ""
        fields = form.model_fields
        if setting not in fields:
            expected = "one of " + ", ".join(fields) if fields else "no settings"
            what = f"there is no setting {setting}"
            return problem(self.document, key, what, expected=expected)
        expected = str(fields[setting].description)
        return problem(self.document, (*key, setting), item["msg"], expected=expected)
