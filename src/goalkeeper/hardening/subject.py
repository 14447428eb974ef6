"""The application that is hardened, as a file or in memory, with whatever defences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goalkeeper.core.application import Application
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.private import make_folder, write_text
from goalkeeper.defences import Chosen, apply_chosen
from goalkeeper.describe import load, load_policy, read_defences, write_defended
from goalkeeper.policy import Policy, default_policy

FILE = "application.yaml"


@dataclass(frozen=True, eq=False)
class Subject:
    """What is hardened.

    Parameters
    ----------
    given
        An application file, or an application made in Python.
    compute
        Device and precision of the model of an application file.
    """

    given: Application | Path
    compute: ComputeSettings

    @property
    def policy(self) -> Policy:
        """The rules that rate it."""
        if isinstance(self.given, Application):
            return default_policy()
        return load_policy(self.given)

    def load(self, described: Application | Path) -> Application:
        """Return the application itself."""
        if isinstance(described, Application):
            return described
        return load(described, compute=self.compute)

    def defended(self, chosen: Sequence[Chosen], folder: Path) -> Application | Path:
        """Return the application with further defences: a file in `folder`, or in memory."""
        if isinstance(self.given, Application):
            return apply_chosen(self.given, chosen)
        make_folder(folder)
        listed = [*read_defences(self.given), *(one.write() for one in chosen)]
        file = folder / FILE
        text = write_defended(self.given, folder, listed)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            write_text(file, text)
        return file
