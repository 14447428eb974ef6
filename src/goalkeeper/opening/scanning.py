"""Say what a file would import and run when it is loaded, without loading it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from goalkeeper.opening import archives, formats, packed
from goalkeeper.opening.arrays import read_header
from goalkeeper.opening.found import Found, Pickles
from goalkeeper.opening.limits import Allowance, Refused, Unreadable
from goalkeeper.opening.pickles import read_pickles
from goalkeeper.opening.rules import Rules

DEEP = 4  # archives inside archives that are followed
FileVerdict = Literal["clean", "unsafe", "unknown", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a file names, and how far it could be read.

    Parameters
    ----------
    form
        The format, e.g. `pickle`, `zip of pickles`, `safetensors`.
    runs_code
        Whether loading this format can run code at all.
    names
        Every `module.name` that loading would import.
    dangerous
        Those that run commands or code, reach files or the network, or load further code.
    unknown
        Those that are on no list: a class of your own, or an attack nobody has listed.
    problems
        What else is wrong: calls that models do not make, and what could not be read (an attacker
        may hide code there).
    unreadable
        Those problems that only say that something could not be read.
    notes
        What goalkeeper cannot judge: program code, templates, formats that it does not know.
    arrays
        Where raw numbers of 4 or 8 bytes stand, as (first byte, end, bytes a number); only of
        files that are not compressed.
    """

    form: str
    runs_code: bool
    names: tuple[str, ...] = ()
    dangerous: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    arrays: tuple[tuple[int, int, int], ...] = ()

    @property
    def suspicious(self) -> bool:
        """Whether anything in the file is not known to be harmless."""
        return self.verdict != "clean"

    @property
    def verdict(self) -> FileVerdict:
        """Whether whatever loads the file runs nothing that stands in it."""
        if self.dangerous or set(self.problems) - set(self.unreadable):
            return "unsafe"
        if self.unreadable:
            return "unreadable"
        return "unknown" if self.unknown or self.notes else "clean"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the file has its verdict, in words; what a clean file is."""
        found = []
        if self.dangerous:
            found.append("it names functions that run code: " + _listed(self.dangerous))
        if self.unknown:
            found.append("it names what is on no list of harmless names: " + _listed(self.unknown))
        found += [*self.problems, *self.notes]
        if found:
            return tuple(found)
        if not self.runs_code:
            return (f"the format ({self.form}) runs no code when it is loaded",)
        return (f"the {self.form} names {len(self.names)} classes and functions, all harmless",)

    def describe(self) -> str:
        """Describe in a sentence what was found."""
        return "; ".join(self.reasons)


def _listed(names: tuple[str, ...]) -> str:
    omitted = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + omitted


def scan(content: bytes, name: str = "", trusted: tuple[str, ...] = ()) -> Scan:
    """Read the bytes of a stored model; nothing in it is called, made or run.

    Parameters
    ----------
    content
        The whole file.
    name
        Its name: the kind of a text is read off it.
    trusted
        `package.module.Name` of own classes that are harmless.

    Returns
    -------
    Scan
        What was found; bytes of no known format are never clean.
    """
    scanner = _Scanner(Found(Rules(trusted), Allowance(len(content))))
    if not content:
        scanner.found.unread("it is empty")
    try:
        form = scanner.look(content, name, 0, whole=True)
    except Refused as error:
        scanner.found.problem(str(error))
        form = "file"
    return _scan_of(scanner.found, form)


def _scan_of(found: Found, form: str) -> Scan:
    verdicts = {name: found.rules.verdict(name) for name in found.seen.names}
    pick = {
        v: tuple(sorted({str(n) for n, given in verdicts.items() if given == v}))
        for v in ("harmless", "dangerous", "unknown")
    }
    problems = (*found.seen.problems, *found.unreadable)
    return Scan(
        form=form,
        runs_code=found.runs_code,
        names=tuple(sorted({str(name) for name in verdicts})),
        dangerous=pick["dangerous"],
        unknown=pick["unknown"],
        problems=tuple(dict.fromkeys(problems)),
        unreadable=tuple(dict.fromkeys(found.unreadable)),
        notes=tuple(dict.fromkeys(found.notes)),
        arrays=tuple(found.arrays),
    )


@dataclass(eq=False)
class _Scanner:
    """Looks into a file and everything inside it."""

    found: Found
    forms: list[str] = field(default_factory=list)

    def look(self, content: bytes, name: str, depth: int, *, whole: bool = False) -> str:
        """Find out the format, look inside, and name the format.

        A file can be of several formats at once: readers look at its beginning, at its end, or
        for a pickle. So whatever it is, it is read as a pickle as well, and searched for an
        archive at its end.
        """
        if depth > DEEP:
            self.found.unread(f"archives lie more than {DEEP} deep in one another")
            return "nested archives"
        pickles = read_pickles(content, self.found)
        form = self._take(pickles, whole=whole) if pickles.ran else ""
        if content.startswith(archives.ZIP) or archives.ends_in_zip(content):
            inside = archives.look(content, self.found, self._inside(depth), whole=whole)
            return form or inside
        other = self._other(content, name, depth, whole=whole)
        if form or other:
            return form or other
        if pickles.is_pickle:  # it begins like one, and is nothing else
            return self._take(pickles, whole=whole)
        self.found.note(f"{name or 'the file'} is of no format that goalkeeper knows")
        return "file of an unknown format"

    def _inside(self, depth: int) -> archives.Look:
        return lambda content, name: self.look(content, name, depth + 1)

    def _take(self, pickles: Pickles, *, whole: bool) -> str:
        self.found.runs_code = True
        self.found.take(pickles, whole=whole)
        return "torch file of an older format" if pickles.is_torch else "pickle"

    def _other(self, content: bytes, name: str, depth: int, *, whole: bool) -> str:
        kind = packed.kind_of(content)
        if kind:
            inside = packed.unpack(kind, content, self.found)
            if inside is None:
                return kind
            return f"{kind} of {self.look(inside, name, depth + 1)}"
        if content.startswith(b"\x93NUMPY"):
            return self._numpy(content, whole=whole)
        if archives.is_tar(content):
            return archives.look_into_tar(content, self.found, self._inside(depth))
        return formats.recognise(content, name, self.found, whole=whole)

    def _numpy(self, content: bytes, *, whole: bool) -> str:
        try:
            kind, shape, _, start = read_header(content)
        except (Unreadable, Refused) as error:
            self.found.unread(f"the numpy file cannot be read: {error}")
            return self._objects(content, 0) or "numpy file"
        rest = len(content) - start
        if kind.hasobject:
            self.found.runs_code = True
            return self._objects(content, start) or "numpy file"
        size = kind.itemsize
        for n in shape:
            size *= n
        if size != rest:
            self.found.unread(f"the numpy file holds {rest:,} bytes where its header says {size:,}")
            return self._objects(content, start) or "numpy file"
        if whole and kind.kind == "f":
            self.found.arrays.append((start, len(content), kind.itemsize))
        return "numpy file"

    def _objects(self, content: bytes, start: int) -> str:
        """Look for the pickle behind the header of an array of objects."""
        begin = start or max(content.find(b"\n") + 1, 0)
        pickles = read_pickles(content[begin:], self.found)
        if not pickles.is_pickle:
            if start:
                self.found.unread("the objects of an array cannot be read")
            return ""
        self.found.runs_code = True
        self.found.take(pickles, whole=False)
        return "numpy file with a pickle"
