"""Methods of public classes whose work is done by what is built on top of them.

`describe` makes an application from a model, and `report` prints an assessment. Users expect
methods, but core must neither import what is built on it nor need it to be there. So these few are
named here, as text, and imported when they are called. Everything else goes by imports.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Late:
    """Functions by module and name, imported on first use.

    Parameters
    ----------
    names
        Each `(module, name)`, the module without the package.
    """

    names: tuple[tuple[str, str], ...]

    def call(self, module: str, name: str, *args: Any) -> Any:
        """Call a function; raises KeyError for one that is not listed."""
        if (module, name) not in self.names:
            raise KeyError(f"{module}.{name} is not listed")
        return getattr(import_module(f"goalkeeper.{module}"), name)(*args)


ON_TOP = Late(
    (
        ("describe", "GivenData"),
        ("describe", "make_application"),
        ("report.summary", "summarise"),
        ("report.summary", "summarise_html"),
        ("report.summary", "summarise_plan"),
        ("report.summary", "summarise_plan_html"),
    )
)
