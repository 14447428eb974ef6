"""Check the stored model before it is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from goalkeeper.core.application import Application
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.defences._files import hash_check
from goalkeeper.defences.base import DESCRIBED, Defence, NoSettings

WORDS = "SHA-256 of the one genuine file, kept where its writers cannot change it"


class FileSignature(Defence[NoSettings]):
    """A file that is not the one that was released is refused before anything in it is read.

    One value for the one file that is in use also refuses genuine files of older models, which a
    signature alone accepts. A signature (Ed25519) is the way to bring that value to where the model
    is loaded.
    """

    about: ClassVar[str] = (
        "compare the stored model with a signed hash before it is loaded, so that another file is "
        "refused"
    )
    works: ClassVar[str] = (
        "the hash comes from where the attacker cannot write, and the file is checked at each start"
    )
    price: ClassVar[str] = "each new model must be signed, and a damaged file stops the application"
    adaptive: ClassVar[str] = DESCRIBED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY, Goal.AVAILABILITY})
    families: ClassVar[frozenset[str]] = frozenset({"tampering"})
    settings: ClassVar[type[NoSettings]] = NoSettings

    def lacks(self, app: Application) -> str:
        """Need a stored file that nothing checks."""
        if app.storage is None:
            return "no stored file of its model is described"
        protection = app.storage.protection
        return f"its stored model is checked already ({protection})" if protection else ""

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Check the file that is stored now."""
        if app.storage is None:
            raise TargetError(self.lacks(app))
        check = hash_check(app.storage.read())
        return replace(app, storage=replace(app.storage, protection=WORDS, check=check))
