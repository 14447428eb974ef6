"""Write single mails: from people, from services, from spam campaigns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from goalkeeper.examples.spam_filter.grammar import (
    Draw,
    Grammar,
    Template,
    fill,
    pick,
    tidy,
    weighted,
)
from goalkeeper.examples.spam_filter.senders import (
    NAMES,
    PEOPLE,
    Campaign,
    Person,
    Service,
    campaigns,
    services,
    topics_of,
)

SPAM_SHARE = 0.35
SERVICE_SHARE = 0.27  # Of ham: orders, newsletters and invoices, which look like spam.
COPY_SHARE = 0.12  # Of mail from services and campaigns: a copy but for names and numbers.
HARD_SHARE = 0.15  # Of people's mail: quotes spam, or asks for what spam asks for.
REPLY_SHARE = 0.15  # Of people's mail.
YEAR = "2031"
PUSHY_SHARE = 0.21  # Of mail from services: advertises as loudly as spam does.
CALL_SHARE = 0.45  # Of spam that is not chatty: ends with a call to act.
SOFT_SHARE = 0.6  # Of chatty spam: asks for something harmless; the rest uses the campaign's line.
MISSPELT_SHARE = 0.5  # Of the words in the list, in a mail that has misspelt words.
LONG = 5  # Lines from which on a mail has two paragraphs.
CHATTED = ("work", "family", "travel", "club", "work")
BORROWED = ("pharmacy.line", "loan.line", "billing.line", "crypto.line", "jobs.line")
HONEST = (*(f"{topic}.line" for topic in CHATTED), "smalltalk.line", "newsletter.line")
DISGUISES = weighted({"plain": 83, "mixed": 12, "chatty": 5})  # Of spam.

SLIPS = {
    "because": "becuase",
    "tomorrow": "tommorow",
    "the": "teh",
    "really": "realy",
    "definitely": "definatly",
    "appointment": "apointment",
    "with": "wiht",
    "finally": "finaly",
    "please": "pls",
    "have": "ahve",
    "you": "u",
    "weekend": "weekned",
    "probably": "probaly",
    "and": "adn",
}
HIDDEN = {
    "free": "fr3e",
    "loan": "l0an",
    "prize": "pr1ze",
    "online": "on1ine",
    "click": "cl1ck",
    "account": "acc0unt",
    "money": "m0ney",
    "order": "0rder",
    "percent": "perc3nt",
    "profit": "pr0fit",
    "password": "passw0rd",
    "price": "pr1ce",
    "cash": "ca$h",
    "winner": "w1nner",
    "tablets": "tab1ets",
    "invoice": "inv0ice",
    "transfer": "transf3r",
    "bank": "b4nk",
}


@dataclass
class Draft:
    """A mail in the making, with its late slots such as {YOU} still open."""

    label: str
    person: str
    topic: str
    recipient: str
    subject: str
    lines: list[str]
    greeting: str = ""
    farewell: str = ""
    brand: str = ""
    link: str = ""
    spelling: Mapping[str, str] = field(default_factory=dict)
    misspelt: float = 0.0
    facts: list[str] = field(default_factory=list)


class Composer:
    """Writes one mail after the other from one stream of random numbers."""

    def __init__(self, grammar: Grammar, draw: Draw) -> None:
        self._grammar = grammar
        self._draw = draw
        self._said: dict[str, str] = {}
        self._originals: dict[str, tuple[str, list[str]]] = {}

    def write_draft(self) -> Draft:
        """Draw a class and a sender, and write a mail."""
        self._said = {}
        if self._draw() < SPAM_SHARE:
            return self._from_campaign(pick(campaigns(), self._draw))
        if self._draw() < SERVICE_SHARE:
            return self._from_service(pick(services(), self._draw))
        return self._from_person(pick(PEOPLE, self._draw))

    def write_facts(self, section: str, names: Iterator[str]) -> tuple[str, ...]:
        """Write every line of a section of private facts, each with the next of the names."""
        return tuple(
            fill(tidy(self._grammar.render(line, self._draw, {})), lambda _: next(names))
            for line in self._grammar[section]
        )

    def finish(self, draft: Draft) -> str:
        """Put a mail together: subject, greeting, lines, private facts, farewell."""
        half = len(draft.lines) if len(draft.lines) < LONG else len(draft.lines) // 2
        lines = [" ".join(part) for part in (draft.lines[:half], draft.lines[half:])]
        misspelt = [self._misspell(block, draft) for block in lines]
        blocks = [draft.greeting, *misspelt, " ".join(draft.facts), draft.farewell]
        values = {
            "YOU": draft.recipient.capitalize(),
            "BRAND": draft.brand,
            "YEAR": YEAR,
            "LINK": draft.link or self._grammar.draw("link", self._draw).lower(),
            "CODE": self._grammar.draw("code", self._draw),
        }
        body = "\n\n".join(block for block in blocks if block)
        return fill(f"Subject: {draft.subject}\n\n{body}", values.__getitem__)

    def _from_person(self, person: Person) -> Draft:
        topic = pick(topics_of(person), self._draw)
        own, draw = f"{person.name}.line", self._draw
        pools = weighted({f"{topic}.line": 13, "smalltalk.line": 4, own: 3})
        rest = [pick(pools, draw) for _ in range(self._length(*person.lines) - 1)]
        hard = ["hard.line"] * (1 + int(2 * draw())) if draw() < HARD_SHARE else []
        lines = self._lines([f"{topic}.line", *hard, *rest[len(hard) :]])
        friends = [name for name in NAMES if name != person.name]
        reply = "Re: " if draw() < REPLY_SHARE else ""
        return Draft(
            label="ham",
            person=person.name,
            topic=topic,
            recipient=pick(friends, draw),
            subject=reply + self._sentence(f"{topic}.subject"),
            lines=lines,
            greeting=self._write(f"{person.name}.greeting"),
            farewell=self._write(f"{person.name}.farewell"),
            spelling=SLIPS,
            misspelt=person.slips,
        )

    def _from_service(self, service: Service) -> Draft:
        sections = [f"{service.topic}.line"] * self._length(2, 7)
        if self._draw() < PUSHY_SHARE:
            sections += ["spam.call", *(pick(BORROWED, self._draw) for _ in range(2))]
        subject, lines = self._copy(
            service.name,
            lambda: (self._sentence(f"{service.topic}.subject"), self._lines(sections)),
        )
        return Draft(
            label="ham",
            person=service.name,
            topic=service.topic,
            recipient=pick(NAMES, self._draw),
            subject=subject,
            lines=lines,
            greeting=self._write("service.greeting"),
            farewell=self._write("service.farewell"),
            brand=service.brand,
            link=f"www.{service.brand.lower()}.example/{self._write('code')}",
        )

    def _from_campaign(self, campaign: Campaign) -> Draft:
        disguise = pick(DISGUISES, self._draw)
        frame = "chat" if disguise == "chatty" else "spam"
        subject, lines = (
            self._chat(campaign)
            if disguise == "chatty"
            else self._copy(
                campaign.name, lambda: self._advertise(campaign, mixed=disguise == "mixed")
            )
        )
        return Draft(
            label="spam",
            person=campaign.name,
            topic=campaign.topic,
            recipient=pick(NAMES, self._draw),
            subject=subject,
            lines=lines,
            greeting=self._write(f"{frame}.greeting"),
            farewell=self._write(f"{frame}.farewell"),
            brand=campaign.brand,
            spelling=HIDDEN,
            misspelt=campaign.hiding,
        )

    def _advertise(self, campaign: Campaign, *, mixed: bool) -> tuple[str, list[str]]:
        """Write what the campaign sells; a mixed mail has as many lines of honest mail."""
        lines = self._distinct(campaign.lines, self._length(1, 6))
        if self._draw() < CALL_SHARE:
            lines.append(self._sentence("spam.call"))
        if mixed:
            honest = [pick(HONEST, self._draw) for _ in lines[:4]]
            lines = [*lines, *self._lines(honest)]
        return self._sentence(f"{campaign.topic}.subject"), lines

    def _chat(self, campaign: Campaign) -> tuple[str, list[str]]:
        """Write like an acquaintance, with one line that asks for something."""
        topic = pick(CHATTED, self._draw)
        lines = self._lines([pick((f"{topic}.line", "smalltalk.line"), self._draw)])
        lines += self._lines([f"{topic}.line"] * self._length(0, 3))
        soft = self._draw() < SOFT_SHARE
        ask = pick(self._grammar["soft.line"] if soft else campaign.lines, self._draw)
        lines.insert(1, tidy(self._grammar.render(ask, self._draw, self._said)))
        return self._sentence(f"{topic}.subject"), lines

    def _copy(self, name: str, write: Callable[[], tuple[str, list[str]]]) -> tuple[str, list[str]]:
        """Repeat the sender's last mail, or write a new one."""
        if name not in self._originals or self._draw() > COPY_SHARE:
            self._originals[name] = write()
        subject, lines = self._originals[name]
        return subject, list(lines)

    def _lines(self, sections: Sequence[str]) -> list[str]:
        """Write one line of each section; no template comes twice."""
        lines: list[str] = []
        for name in dict.fromkeys(sections):
            lines += self._distinct(self._grammar[name], sections.count(name))
        for last in range(len(lines) - 1, 0, -1):
            other = int(self._draw() * (last + 1))
            lines[last], lines[other] = lines[other], lines[last]
        return lines

    def _distinct(self, templates: Sequence[Template], count: int) -> list[str]:
        drawn: dict[Template, None] = {}
        while len(drawn) < min(count, len(templates)):
            drawn[pick(templates, self._draw)] = None
        return [tidy(self._grammar.render(template, self._draw, self._said)) for template in drawn]

    def _sentence(self, section: str) -> str:
        return tidy(self._write(section))

    def _write(self, section: str) -> str:
        return self._grammar.draw(section, self._draw, self._said)

    def _length(self, low: int, high: int) -> int:
        """Draw a number of lines; short mails are commoner."""
        return low + int(self._draw() * sqrt(self._draw()) * (high - low + 1))

    def _misspell(self, text: str, draft: Draft) -> str:
        if draft.misspelt and self._draw() < draft.misspelt:
            for right, wrong in draft.spelling.items():
                if self._draw() < MISSPELT_SHARE:
                    text = text.replace(f" {right} ", f" {wrong} ")
        return text
