"""The application file as reports point to it: its address, and the lines of its keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFile:
    """Where an application was described.

    Parameters
    ----------
    path
        The file, relative to the root of its repository.
    lines
        The first line of a protection need (`needs.privacy`) and of an attacker
        (`attackers.customer`), and of the keys around them.
    """

    path: str
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """The file with the escapes of a URI."""
        return quote(self.path)

    @property
    def name(self) -> str:
        """The name of the file alone, as hashes name it."""
        return self.path.rpartition("/")[2]

    def line(self, section: str, name: str) -> int:
        """Return the line of an entry, or else of its section, or else the first line."""
        return self.lines.get(f"{section}.{name}", self.lines.get(section, 1))
