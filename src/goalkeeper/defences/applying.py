"""Apply defences to an application, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from goalkeeper.core.application import DECIDES_NOTHING, Application
from goalkeeper.core.data import fingerprint
from goalkeeper.core.errors import TargetError
from goalkeeper.defences.base import Defence, Settings

__all__ = ["Chosen", "apply_chosen"]


@dataclass(frozen=True, eq=False)
class Chosen:
    """A defence with its settings."""

    name: str
    defence: Defence[Any]
    settings: Settings

    @property
    def words(self) -> str:
        """Name the defence with the settings that are not its defaults."""
        default = type(self.settings)()
        changed = [
            f"{name}={value}"
            for name, value in self.settings.model_dump(mode="json").items()
            if value != getattr(default, name)
        ]
        return f"{self.name} ({', '.join(changed)})" if changed else self.name

    def write(self) -> str | dict[str, Any]:
        """Return the defence as an application file states it."""
        changed = self.settings.model_dump(mode="json", exclude_defaults=True)
        return {self.name: changed} if changed else self.name


def apply_chosen(app: Application, chosen: Sequence[Chosen]) -> Application:
    """Return the application with these defences, applied in this order.

    Raises
    ------
    TargetError
        The application lacks what a defence needs, or the defended model cannot be trained.
    DataError
        A defence leaves too few records to train on.
    """
    for one in chosen:
        lacking = one.defence.lacks(app)
        if lacking:
            raise TargetError(f"the defence {one.name} cannot be applied: {lacking}")
        made = one.defence.apply(app, one.settings)
        hashes = app.hashes
        if hashes and _differ(app, made):  # what was read from files is identified by hashes alone
            content = [one.name, one.settings.model_dump(mode="json")]
            hashes = {**hashes, f"defence {one.words}": fingerprint(content)}
        app = replace(made, hashes=hashes)
    return app


def _differ(before: Application, after: Application) -> bool:
    """Whether anything that decides results differs; what attackers may do is in each run."""
    names = {f.name for f in fields(before)} - DECIDES_NOTHING
    return any(getattr(before, name) is not getattr(after, name) for name in names)
