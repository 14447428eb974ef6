"""What a format of the report is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.parts import Context

__all__ = ["Renderer"]


class Renderer(ABC):
    """A format of the report. Subclasses are final and made without arguments.

    Class attributes
    ----------------
    suffix
        How the name of a file in this format ends, with the dot.
    media_type
        Its media type (RFC 6838).
    """

    suffix: ClassVar[str]
    media_type: ClassVar[str]

    @abstractmethod
    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the text of the report; the same text for the same assessment and context."""
