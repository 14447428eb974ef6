"""Words that can stand for one another: from thesauri, and shorthand and words of messages.

The thesauri are WordNet 3.0 (English) and OpenThesaurus (German), cut down to words that usually
mean the same; `benchmarks/build_thesaurus.py` rebuilds the tables, and their licences lie beside
them. The groups below are public, too, and not complete: shorthand, and what mail and messages
mean by a word where a dictionary lists another meaning first (free of charge, not at liberty).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from goalkeeper.core.languages import find_language
from goalkeeper.core.text import terms

LOOKED_AT = 2000  # characters of a text that say what language it is in
ADJECTIVE_ENDINGS = ("e", "en", "er", "es", "em")  # of German adjectives
PLURALS = (("ungen", "ung"), ("heiten", "heit"), ("keiten", "keit"), ("schaften", "schaft"),
           ("ionen", "ion"), ("täten", "tät"), ("innen", "in"), ("enzen", "enz"),
           ("anzen", "anz"))  # fmt: skip

# One group a line. Words of a group say about the same in most sentences; shorthand counts.
GROUPS = """
free complimentary gratis costless
win gain
winner recipient champion
won gained
cash money funds
prize reward award gift
offer deal proposal bargain
claim collect redeem request
urgent pressing immediate asap
bonus extra premium addition
guaranteed assured certain promised
guarantee assurance promise warranty
discount reduction rebate markdown
loan credit advance lending
buy purchase order acquire
cheap inexpensive affordable lowcost
price rate
sale selloff clearance
click press tap hit
call phone ring dial
text message sms
reply answer
send forward dispatch submit
stop end cancel quit
now immediately instantly
limited restricted scarce
exclusive special private select
amazing astonishing incredible marvellous
great excellent fantastic superb
best finest top greatest
new latest fresh recent
account profile login
bank lender institution
verify confirm validate check
confirm verify approve
update refresh renew
suspended blocked locked frozen
security safety protection
password passcode pin
link url address
website site page portal
subscribe enrol register join
unsubscribe leave optout
customer client buyer
service support assistance
mobile cell handset
contact reach approach
million mln
dollars usd bucks
pounds gbp quid
earn make obtain
income earnings revenue pay
job position work post
investment funding stake
profit gain
risk danger hazard
save spare
credit lending
debt liability arrears
insurance cover coverage
medicine drug remedy medication
pills tablets capsules
doctor physician medic
weight mass pounds
lottery raffle draw
chance opportunity shot
selected chosen picked
congratulations congrats felicitations
dear beloved
friend mate pal buddy
hello hi hey
thanks cheers ta
thank bless
please kindly pls
sorry apologies pardon
meeting appointment session mtg
meet see gather
tomorrow tmrw tomoz
tonight tonite
today tdy
week wk
weekend wkend
month mth
year yr
morning forenoon
evening eve
night nite
home house
family relatives kin folks
lunch meal luncheon
dinner supper meal
food meal grub
friendship closeness
love affection adore
good fine decent nice
bad poor awful
big large huge
small little tiny
happy glad pleased cheerful
sad unhappy upset
quick fast rapid swift
quickly fast rapidly swiftly
slow gradual
want wish desire
need require
help assist aid
show display present
give provide grant hand
take grab seize
find discover locate
look see watch
think believe reckon
know understand realise
tell inform notify
ask request enquire
say mention
start begin commence
finish complete end
leave depart exit
come arrive
wait hold
work operate function
problem issue trouble difficulty
question query enquiry
idea thought notion
report account summary
document file paper
attached enclosed appended
schedule timetable plan agenda
project task undertaking
team group crew
company firm business enterprise
office workplace bureau
boss manager chief
colleague coworker
student pupil learner
teacher instructor tutor
school college academy
course class lesson
exam test quiz
car vehicle auto
trip journey tour
flight plane
hotel inn lodging
holiday vacation break
picture photo image
film movie
song tune track
party celebration bash
birthday bday
later afterwards l8r
soon shortly
maybe perhaps possibly
sure certainly surely
very really highly
also too additionally
but however yet
because cos
about regarding concerning
great gr8
you u
your ur
are r
before b4
people persons folks
child kid
children kids
man guy bloke
woman lady
"""


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """The synonyms of each word, and the words that with a capital are names: Bush, Apple."""

    synonyms: Mapping[str, tuple[str, ...]]
    names: frozenset[str]


def _group_words() -> Mapping[str, tuple[str, ...]]:
    """Map each word to the others of all its groups, in the order of the list."""
    found: dict[str, list[str]] = {}
    for line in GROUPS.strip().splitlines():
        group = line.split()
        for word in group:
            found.setdefault(word, []).extend(other for other in group if other != word)
    return MappingProxyType({word: tuple(dict.fromkeys(others)) for word, others in found.items()})


@cache
def read_thesaurus(language: str) -> Thesaurus:
    """Read the table of a language, "en" or "de", when it is first needed."""
    folder = files("goalkeeper.games.evasion").joinpath("thesaurus")
    packed = folder.joinpath(f"{language}.txt.gz").read_bytes()
    rows = [line.split() for line in gzip.decompress(packed).decode("utf-8").splitlines()]
    found = {row[0].lstrip("="): tuple(row[1:]) for row in rows}
    if language == "en":
        for word, others in _group_words().items():
            found[word] = tuple(dict.fromkeys([*others, *found.get(word, ())]))
    names = frozenset(row[0][1:] for row in rows if row[0].startswith("="))
    return Thesaurus(MappingProxyType(found), names)


@cache
def _read_known_words(language: str) -> frozenset[str]:
    """Read the words of a table in lower case, to find the language of a text by."""
    return frozenset(word.lower() for word in read_thesaurus(language).synonyms)


def find_text_language(text: str) -> str:
    """Find the language of a text by its beginning: "en", "de", or "" for any other."""
    words = terms(text[:LOOKED_AT])
    return find_language(words, {each: _read_known_words(each) for each in ("en", "de")})


def list_synonyms(word: str, language: str = "en") -> list[str]:
    """List words that say about the same, in the case of this one; empty for unknown words.

    Parameters
    ----------
    word
        A word as it stands in a text; inflected forms have inflected synonyms.
    language
        Language of the text: "en", "de", or "", of which no words are known.
    """
    if language == "de":
        found = next(filter(None, map(_list_german, _list_spellings(word))), ())
    else:
        found = _list_english(word) if language == "en" else ()
    return list(dict.fromkeys(_write_like(word, other) for other in found))


def _list_english(word: str) -> tuple[str, ...]:
    table, lower = read_thesaurus("en"), word.lower()
    if word != lower and not word.isupper() and lower in table.names:
        return ()
    return table.synonyms.get(lower, ())


def _list_spellings(word: str) -> Iterator[str]:
    """Yield how a German dictionary may write a word: as it stands, as a noun, as another word."""
    yield from dict.fromkeys((word, word.capitalize(), word.lower()))


def _list_german(word: str) -> tuple[str, ...]:
    """List the synonyms of a German word, of an adjective with an ending, or of a plural."""
    table = read_thesaurus("de").synonyms
    if word in table:
        return table[word]
    if word[:1].isupper():
        return next(filter(None, (_list_plurals(word, *pair) for pair in PLURALS)), ())
    for ending in ADJECTIVE_ENDINGS:
        base = word.removesuffix(ending)
        if base != word and base in table and not base.endswith("en"):
            return tuple(other + ending for other in table[base])
    return ()


def _list_plurals(word: str, plural: str, ending: str) -> tuple[str, ...]:
    if not word.endswith(plural):
        return ()
    others = read_thesaurus("de").synonyms.get(word.removesuffix(plural) + ending, ())
    return tuple(
        other.removesuffix(end) + more
        for other in others
        for more, end in PLURALS
        if other.endswith(end)
    )


def _write_like(word: str, other: str) -> str:
    """Write a synonym in capitals, or with a first capital, as the word is written."""
    if word.isupper():
        return other.upper()
    return other[:1].upper() + other[1:] if word[:1].isupper() else other
