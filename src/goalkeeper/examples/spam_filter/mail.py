"""Generate the mailbox of the spam-filter example: e-mails whose truth is known."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log

import pandas as pd

from goalkeeper.examples.spam_filter.compose import Composer, Draft
from goalkeeper.examples.spam_filter.grammar import Draw, load_grammar, pick, start_stream
from goalkeeper.examples.spam_filter.senders import PEOPLE

__all__ = ["Mailbox", "GeneratorTruth", "generate"]

SAMPLE = 20_000  # Mails from which the truth about words is counted.
COMMON = 0.005  # The share of mails a word must be in to be ranked.
WORDS = re.compile(r"\b\w\w+\b")  # What scikit-learn's vectorisers call a word.

_MAILS, _FACTS, _SAMPLE = range(2, 5)  # Keys of independent streams.


@dataclass(frozen=True, eq=False)
class GeneratorTruth:
    """What an attacker of the filter would like to know, and only the generator does.

    `log_odds` has every word in at least 0.5 % of mails: log P(word in mail | spam) minus
    log P(word in mail | ham), counted in 20,000 other mails. The words of spam and of ham are
    ranked by it, highest first. `private` has, for each person, the sentences that only this
    person wrote; `writer` is the author of each mail.
    """

    spam_words: tuple[str, ...]
    ham_words: tuple[str, ...]
    log_odds: Mapping[str, float]
    writer: "pd.Series[str]"
    private: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Mailbox:
    """Mails with columns text, label, person, recipient and topic, and the truth about them."""

    frame: pd.DataFrame
    truth: GeneratorTruth


def generate(*, seed: int = 0, mails: int = 3000) -> Mailbox:
    """Write a mailbox; the same seed writes the same one on every machine.

    Raises
    ------
    ValueError
        If seed is negative or mails is below 1.
    """
    if seed < 0 or mails < 1:
        raise ValueError(f"seed must be 0 or more, mails 1 or more; got {seed=}, {mails=}.")
    composer = Composer(load_grammar(), start_stream(seed, _MAILS))
    drafts = [composer.write_draft() for _ in range(mails)]
    private = _confide(drafts, start_stream(seed, _FACTS))
    frame = pd.DataFrame(
        {
            "text": [composer.finish(draft) for draft in drafts],
            "label": [draft.label for draft in drafts],
            "person": [draft.person for draft in drafts],
            "recipient": [draft.recipient for draft in drafts],
            "topic": [draft.topic for draft in drafts],
        }
    )
    log_odds = _count_log_odds()
    ranked = sorted(log_odds, key=lambda word: (-log_odds[word], word))
    truth = GeneratorTruth(
        spam_words=tuple(word for word in ranked if log_odds[word] > 0),
        ham_words=tuple(word for word in reversed(ranked) if log_odds[word] < 0),
        log_odds=log_odds,
        writer=frame["person"],
        private=private,
    )
    return Mailbox(frame, truth)


def _confide(drafts: Sequence[Draft], draw: Draw) -> dict[str, tuple[str, ...]]:
    """Insert each person's private facts into one or two of that person's mails."""
    composer, names = Composer(load_grammar(), draw), _unique_names(draw)
    private = {}
    for person in dict.fromkeys(PEOPLE):
        own = [draft for draft in drafts if draft.person == person.name]
        facts = composer.write_facts(person.facts, names)
        private[person.name] = facts if own else ()
        for fact in private[person.name]:
            for _ in range(1 + (draw() < 0.5)):
                draft = pick(own, draw)
                if fact not in draft.facts:
                    draft.facts.append(fact)
    return private


def _unique_names(draw: Draw) -> Iterator[str]:
    """Draw names that stand in no other list, each once."""
    grammar, seen = load_grammar(), set()
    while True:
        name = grammar.draw("namehead", draw) + grammar.draw("secrettail", draw)
        if name not in seen:
            seen.add(name)
            yield name


@cache
def _count_log_odds() -> Mapping[str, float]:
    """Count the words of a large mailbox that has no other use."""
    composer = Composer(load_grammar(), start_stream(0, _SAMPLE))
    words: dict[str, Counter[str]] = {"ham": Counter(), "spam": Counter()}
    mails = Counter[str]()
    for _ in range(SAMPLE):
        draft = composer.write_draft()
        words[draft.label].update(set(WORDS.findall(composer.finish(draft).lower())))
        mails[draft.label] += 1

    def log_share(word: str, label: str) -> float:
        return log((words[label][word] + 0.5) / (mails[label] + 1))

    return {
        word: log_share(word, "spam") - log_share(word, "ham")
        for word, count in sorted((words["ham"] + words["spam"]).items())
        if count >= COMMON * SAMPLE
    }
