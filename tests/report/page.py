"""A strict reader of pages: what a browser would see, with the mistakes a page can make."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass(eq=False)
class Element:
    tag: str
    attrs: dict[str, str]
    parent: Element | None
    children: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text as it is read; what stands in one line is no matter of reading."""
        return "".join(self.words).replace("\N{NO-BREAK SPACE}", " ")

    def find(self, *tags: str) -> list[Element]:
        found = [c for c in self.children if c.tag in tags]
        return [e for c in self.children for e in ([c] if c in found else []) + c.find(*tags)]


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {}, None)
        self.feed(html)
        self.close()
        if self.here is not self.root:
            raise AssertionError(f"<{self.here.tag}> is never closed")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {k: v or "" for k, v in attrs}, self.here)
        if len(element.attrs) != len(attrs):
            raise AssertionError(f"<{tag}> repeats an attribute")
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.here.tag != tag or self.here.parent is None:
            raise AssertionError(f"</{tag}> closes <{self.here.tag}>")
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        at: Element | None = self.here
        while at is not None:
            at.words.append(data)
            at = at.parent

    def find(self, *tags: str) -> list[Element]:
        return self.root.find(*tags)

    @property
    def elements(self) -> list[Element]:
        def walk(element: Element) -> list[Element]:
            return [e for c in element.children for e in [c, *walk(c)]]

        return walk(self.root)
