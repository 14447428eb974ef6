"""A language in which every message is masked by `x`: what can be read was never translated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from gettext import NullTranslations

from goalkeeper.core.assessment import Assessment
from goalkeeper.report import format as fmt
from tests.report.messages import messages
from tests.report.page import Element, Page

SPOKEN = ("alt", "aria-label", "title")
_FIELDS = re.compile(r"(\{\w*\})")


def mask(message: str) -> str:
    """Replace every letter of a message, except for what is filled in."""
    parts = _FIELDS.split(message)
    return "".join(p if p[:1] == "{" else re.sub(r"[^\W\d_]", "x", p) for p in parts)


class Masked(NullTranslations):
    """Masks what a catalogue has; any other text stays as it is, as it would in German."""

    def __init__(self) -> None:
        super().__init__()
        self._known = messages()

    def gettext(self, message: str) -> str:
        return mask(message) if message in self._known else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return mask(msgid1 if n == 1 else msgid2)


def spoken(html: str) -> Iterator[str]:
    """List every text that a page shows or reads out, in the order of the page."""

    def walk(element: Element) -> Iterator[str]:
        if element.tag in ("style", "pre", "code") or element.attrs.get("lang") == "en":
            return
        yield from (element.attrs[name] for name in SPOKEN if name in element.attrs)
        own = "\n".join(element.words)
        for child in element.children:
            own = own.replace("\n".join(child.words), "\n", 1)
            yield from walk(child)
        yield from own.split("\n")

    yield from walk(Page(html).root)


def readable(texts: Iterable[str], data: Iterable[str]) -> set[str]:
    """Return the words of texts that are neither translated nor data."""
    names = sorted(filter(None, data), key=len, reverse=True)
    known = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names))
    left: set[str] = set()
    for text in texts:
        rest = known.sub(" ", text)
        left |= {w for w in re.findall(r"[^\W\d_]{2,}", rest) if w.strip("xX")}
    return left


def data_of(assessment: Assessment) -> set[str]:
    """List the names, and the texts that others wrote, of an assessment."""
    app = assessment.application
    found = {app.name, app.description, app.fingerprint, *app.classes, *app.hashes, *app.parts}
    found |= {digest for full in app.hashes.values() for digest in (full, full[:12])}
    found |= set(app.caveats) | {b.slice for b in app.baseline}
    found |= {*assessment.environment, *assessment.environment.values()}
    policy = assessment.policy
    found |= {policy.id, policy.sha256, policy.taxonomy_sha256, assessment.tool.name}
    found |= {a.name for a in assessment.attackers} | {a.label for a in assessment.attackers}
    for e in assessment.evidence:
        found |= {e.id, e.unit, e.attack, e.task, e.attacker, e.variant, e.game, e.family}
        found |= {e.result.reason, e.result.summary, e.standing.reason, *e.result.caveats}
        found |= {s for one in e.standards for s in (one.framework, one.id, one.name)}
        found |= {text for c in e.result.controls for text in (c.name, c.detail)}
        found |= {text for x in e.result.exhibits for text in (x.title, x.note)}
        found |= {text for x in e.result.exhibits for text in (x.before, x.after)}
        found |= {m.group.replace(": ", " ", 1) for m in e.result.measurements}
        found |= {m.metric.replace("_", " ") for m in e.result.measurements} | set(e.settings)
        curve = e.result.curve
        named = {fmt.budget_name(c.budget, c.unit) for c in (curve,) if c}
        found |= named | set(map(fmt.sentence_case, named))
        found |= {str(m.note) for m in e.result.measurements}
    for row in assessment.plan:
        found |= {row.attack, row.task, row.variant, row.attacker, *row.reasons}
    for rating in assessment.goals.values():
        found |= {text for gap in rating.not_tested for text in (gap.reason, gap.variant)}
        found.add(rating.reason)
        need = rating.need
        found |= {d.reason for d in need.damages}
        found |= {step.reason for step in (need.cumulation, need.distribution) if step}
    plain = {text.replace(".", ", ").replace("_", " ") for text in found}
    return found | plain | {text.replace("_", " ") for text in found}
