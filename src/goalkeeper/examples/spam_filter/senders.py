"""Who writes the mail of the example: people, services such as shops, and spam campaigns."""

from dataclasses import dataclass
from functools import cache

from goalkeeper.examples.spam_filter.grammar import (
    Template,
    load_grammar,
    pick,
    start_stream,
    weighted,
)

SERVICES = {"purchase": 5, "newsletter": 5, "invoice": 4}  # Topics, and how many services each has.
CAMPAIGNS = {  # Topics, and how many campaigns each has.
    "pharmacy": 4,
    "loan": 4,
    "bank": 4,
    "billing": 4,
    "office": 4,
    "lottery": 3,
    "crypto": 3,
    "jobs": 3,
    "dating": 3,
}
KEPT_LINES = 0.6  # The share of its topic's lines that one campaign uses.
HIDING = (0.0, 0.0, 0.0, 0.2, 0.5)  # How often campaigns disguise a word.


@dataclass(frozen=True)
class Person:
    """Somebody who writes mail: favourite topics first, fewest and most lines, share of slips."""

    name: str
    topics: str
    lines: tuple[int, int]
    slips: float
    facts: str = "other.secret"


@dataclass(frozen=True)
class Service:
    """A shop, a newsletter or a firm that sends invoices."""

    name: str
    topic: str
    brand: str


@dataclass(frozen=True)
class Campaign:
    """A wave of spam: the lines it uses, and how often it disguises a word."""

    name: str
    topic: str
    brand: str
    lines: tuple[Template, ...]
    hiding: float


_SHARES = {
    Person("alice", "family work health travel club", (2, 9), 0.03, "alice.secret"): 9,
    Person("bob", "club work travel family health", (1, 6), 0.15, "bob.secret"): 8,
    Person("carol", "work travel club", (2, 8), 0.0): 7,
    Person("dan", "club family travel work", (1, 4), 0.4): 5,
    Person("erin", "family health club travel", (1, 6), 0.1): 5,
    Person("frank", "club health family", (3, 10), 0.03): 4,
    Person("grace", "work health", (1, 4), 0.05): 4,
    Person("heidi", "work travel health family", (1, 7), 0.05): 3,
}
PEOPLE = weighted(_SHARES)
NAMES = tuple(person.name for person in _SHARES)


@cache
def topics_of(person: Person) -> tuple[str, ...]:
    """Return a person's topics for `pick`, the favourites more often."""
    return weighted({topic: 6 - rank for rank, topic in enumerate(person.topics.split())})


@cache
def services() -> tuple[Service, ...]:
    """Return the services; they are the same in every mailbox."""
    grammar, draw = load_grammar(), start_stream(0, 0)
    topics = [topic for topic, count in SERVICES.items() for _ in range(count)]
    return tuple(
        Service(f"service-{number:02}", topic, grammar.draw("firm", draw))
        for number, topic in enumerate(topics, 1)
    )


@cache
def campaigns() -> tuple[Campaign, ...]:
    """Return the campaigns for `pick`: they are the same in every mailbox, some much rarer."""
    grammar, draw = load_grammar(), start_stream(0, 1)
    topics = [topic for topic, count in CAMPAIGNS.items() for _ in range(count)]
    found = {}
    for number, topic in enumerate(topics, 1):
        lines = grammar[f"{topic}.line"]
        kept = tuple(line for line in lines if draw() < KEPT_LINES) or lines
        brand = grammar.draw("firm", draw)
        campaign = Campaign(f"campaign-{number:02}", topic, brand, kept, pick(HIDING, draw))
        found[campaign] = 1 + round(9 * draw() * draw())
    return weighted(found)
