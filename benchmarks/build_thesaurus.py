"""Rebuild the tables of synonyms that goalkeeper ships, from WordNet and OpenThesaurus.

    python -m benchmarks.build_thesaurus --wordnet DIR --openthesaurus th_de_DE_v2.dat

`DIR` holds the database files of WordNet 3.0 (`data.noun`, `index.noun`, `noun.exc`,
`cntlist.rev`, ...), the other file is OpenThesaurus in the format of LibreOffice. What is written
lies beside the notices of both in `src/goalkeeper/games/evasion/thesaurus`.

Quality comes before quantity. A pair of words is listed when both are single words of the same
part of speech, and the meaning they share is what each of them usually means. Inflected forms are
listed only beside the same form of the other word.
"""

from __future__ import annotations

import argparse
import gzip
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

OUT = Path(__file__).parent.parent / "src/goalkeeper/games/evasion/thesaurus"
Pairs = dict[str, list[str]]  # each word and those that say the same, the most frequent first
MOST = 4  # synonyms of a word

# ---- English: WordNet ----------------------------------------------------------------------------

PARTS = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}
MAIN_PART = 0.7  # share of a word's uses in which it is this part of speech
MAIN_SENSE = 0.2  # share of these uses in which it has this sense, where it is not the first
MOST_MEANINGS = 10  # senses of a word in its main part of speech, at most
OTHER_SENSE = 0.2  # the same of a replacement: the sentence around it says which sense it has
MOST_ALIKE = 2  # edits between spellings of one word: vendor, vender
PLAIN = re.compile(r"[a-z]{3,}")
# Auxiliaries and words that hold a sentence together: a replacement breaks its grammar.
KEPT_WORDS = """
the and but for nor yet not are was were been being have has had having does did doing done can
could may might must shall should will would ought need dare get gets got getting gotten let
lets make makes made making take takes took taking taken put puts putting give gives gave given
giving come comes came coming run runs ran running set sets setting this that these those there
here then than them they their his her its our your who whom whose which what when where why how
all any both each few more most some such other another same own very too just only also ever
never now still about above after again against before below between down during from into off
once out over under until with without upon one two three four five six seven eight nine ten
hundred thousand million billion first second third last next like well even much many less
least back way right left up per via versus off mean means monday tuesday wednesday thursday
friday saturday sunday january february april june july august september october november
december someone somebody something anyone anybody anything everyone everybody everything
nothing nobody none thing things while cause percent pm am yes okay please
"""
KEPT = frozenset(KEPT_WORDS.split())

# Read through for the four hundred most frequent words of mail, messages and news: what modern
# texts do not mean by these words, or nobody would write in their place.
MISREAD_WORDS = """
united classic correspondent tempo regard confined adjacent
time ect corp john minister ticker mike den suite yahoo shit corporate despite mob log lei rite
cos wan bush lot lots account bid match single plant style commission board gift min mobile
according regarding including concerning following web server power industry red gold target
agreement code interest chief former bonus congratulations announcement crude pic pics lesson
takeover pub luck young arms supreme fraud wit outlook generation matter sun message messages
content class chat note file card express opt supposed model material journal meter pipeline
oracle entry treat features gal wont ring collect review use launch launched star letter reserve
reserved doc host plane cross rather judge reference representative guess grant hospital
confidence communications delivery operating looking designed requirements presentation evidence
state stage stages gain gains products product mind living various effective registered award
march provided filed filing files file
"""
MISREAD = frozenset(MISREAD_WORDS.split())
UNUSUAL_WORDS = """
nighttime cosmos deplorable tidings powerfulness forrad forrards forrard essay essays essaying
essayed mortal soul metropolis allotting heap mint jaw populate merchandises evolution
remuneration psyche beseech divinity maturation bask plank miss nutrient withal manpower mouth
mouthing dada scorn contempt disdain piteous hapless howling wondrous upshot upshots endow
endowing gifting groundwork horde immature perchance yea technological engineering commonwealth
commonwealths tribunal croaks perishes vocation oppose opposing bluish brownish merriment
economical peculiar infirmary northerly foreman functionary functionaries burrow splosh arrogate
prey circumstances expending expended nutrients contrive contrived proletariat pardner pardners
moment habit habits slight growing appropriate appropriated redundant cosine conceived
cerebration
"""
UNUSUAL = frozenset(UNUSUAL_WORDS.split())


@dataclass
class WordNet:
    """What is read of WordNet: synsets by part and offset, senses and their counts by word."""

    synsets: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    senses: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    counts: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # words that are proper names, too
    forms: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # irregular ones


def read_wordnet(folder: Path) -> WordNet:
    """Read the database files."""
    found = WordNet()
    for part in PARTS:
        for line in _lines(folder / f"data.{part}"):
            cells = line.split(" ")
            words = [cells[4 + 2 * i].partition("(")[0] for i in range(int(cells[3], 16))]
            found.synsets[part, cells[0]] = words
            found.names |= {w.lower() for w in words if w[:1].isupper()}
        for line in _lines(folder / f"index.{part}"):
            cells = line.split()
            found.senses[cells[0], part] = cells[-int(cells[2]) :]
        for line in _lines(folder / f"{part}.exc"):
            form, *bases = line.split()
            for base in bases:
                found.forms.setdefault((base, part), []).append(form)
    names = {number: part for part, number in PARTS.items()} | {"5": "adj"}
    for line in _lines(folder / "cntlist.rev"):
        key, sense, count = line.split()
        word, _, rest = key.partition("%")
        of_word = found.counts.setdefault((word, names[rest[0]]), {})
        of_word[int(sense)] = of_word.get(int(sense), 0) + int(count)
    return found


def _lines(path: Path) -> Iterator[str]:
    if not path.exists():
        return iter(())
    lines = path.read_text("utf-8").splitlines()
    return (line for line in lines if line and not line.startswith("  "))


def find_main_part(net: WordNet, word: str) -> str | None:
    """Find the part of speech that a word nearly always is; None where there is no such part."""
    uses = {part: 1 + sum(net.counts.get((word, part), {}).values()) for part in PARTS
            if (word, part) in net.senses}  # fmt: skip
    if not uses:
        return None
    best = max(uses, key=lambda part: uses[part])
    return best if uses[best] >= MAIN_PART * sum(uses.values()) else None


def list_main_senses(net: WordNet, word: str, part: str) -> list[str]:
    """List the synsets that a word usually stands for: the first, and others as frequent."""
    counts = net.counts.get((word, part), {})
    total = sum(counts.values())
    if len(net.senses[word, part]) > MOST_MEANINGS:
        return []
    return [
        offset
        for i, offset in enumerate(net.senses[word, part], start=1)
        if i == 1 or (total and counts.get(i, 0) >= MAIN_SENSE * total)
    ]


def is_plain(word: str) -> bool:
    """Return whether a word is a single lower-case word that may be replaced."""
    return bool(PLAIN.fullmatch(word)) and word not in KEPT


def pair_english(net: WordNet) -> dict[str, list[tuple[str, str]]]:
    """List for each part of speech words and their replacements.

    Of the word that stands in a text it must be certain what it means; the replacement may mean
    something else, too, as the sentence around it says which meaning it has.
    """
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    verbs = count_verb_forms(net)
    for word in sorted({word for word, _ in net.senses}):
        if not is_plain(word) or word in MISREAD or verbs.get(word, 0) > _count_uses(net, word):
            continue
        part = find_main_part(net, word)
        for offset in list_main_senses(net, word, part) if part else ():
            pairs[part or ""] += [
                (word, other)
                for other in net.synsets[part or "", offset]
                if other != word and is_plain(other) and is_usual(net, word, other, (part, offset))
            ]
    return pairs


def is_usual(net: WordNet, word: str, other: str, sense: tuple[str | None, str]) -> bool:
    """Return whether `other` is in use with this sense, or another spelling of the same word."""
    part, offset = sense
    if other in UNUSUAL:
        return False
    counts = net.counts.get((other, part or ""), {})
    number = 1 + net.senses[other, part or ""].index(offset)
    share = counts.get(number, 0) / max(1, sum(counts.values()))
    alike = word[:3] == other[:3] and abs(len(word) - len(other)) <= 1
    return share >= OTHER_SENSE or (alike and _count_edits(word, other) <= MOST_ALIKE)


def _count_edits(a: str, b: str) -> int:
    """Count letters that differ, where the longer word loses the best one."""
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True))
    long, short = (a, b) if len(a) > len(b) else (b, a)
    return 1 + min(_count_edits(long[:i] + long[i + 1 :], short) for i in range(len(long)))


def count_verb_forms(net: WordNet) -> dict[str, int]:
    """Count how often the verb is used of which a word is an inflected form: said, going."""
    found: dict[str, int] = {}
    for word, part in net.senses:
        uses = sum(net.counts.get((word, "verb"), {}).values())
        if part == "verb" and uses and word.isalpha():
            forms = {*net.forms.get((word, "verb"), []), *inflect(net, word, "verb").values()}
            found |= {form: max(uses, found.get(form, 0)) for form in forms if form != word}
    return found


def build_english(net: WordNet) -> Pairs:
    """List the synonyms of each English word and of its inflected forms."""
    out: Pairs = defaultdict(list)
    every = [(part, a, b) for part, pairs in pair_english(net).items() for a, b in pairs]
    for _, a, b in every:
        out[a].append(b)
    own_words = set(out) | KEPT
    verbs = count_verb_forms(net)
    own_words |= {w for w, _ in net.counts if verbs.get(w, 0) <= _count_uses(net, w)}
    for part, a, b in every:
        one, other = inflect(net, a, part), inflect(net, b, part)
        for form in one.keys() & other.keys():
            # A form that is a word of its own (meeting, limited) means what that word means.
            forms = {one[form], other[form]}
            if len(forms) == 2 and not forms & (own_words | MISREAD | UNUSUAL):
                out[one[form]].append(other[form])
    return _rank(out, lambda word: _count_uses(net, word))


def _count_uses(net: WordNet, word: str) -> int:
    return sum(sum(net.counts.get((word, part), {}).values()) for part in PARTS)


def inflect(net: WordNet, word: str, part: str) -> dict[str, str]:
    """Return the inflected forms of a word that are certain: plural, and forms of a verb."""
    if part == "noun":
        irregular = net.forms.get((word, part), [])
        return {} if irregular or word.endswith("s") else {"plural": _add_s(word)}
    if part != "verb":
        return {}
    irregular = net.forms.get((word, part), [])
    past = [f for f in irregular if not f.endswith(("ing", "s"))]
    going = [f for f in irregular if f.endswith("ing")]
    forms = {"third": _add_s(word), "ing": going[0] if going else _add_ing(word)}
    if len(past) < 2:  # sang and sung: which one it is depends on the sentence
        forms["past"] = past[0] if past else _add_ed(word)
    return forms


def _add_s(word: str) -> str:
    if re.search(r"(s|x|z|ch|sh)$", word):
        return word + "es"
    return word[:-1] + "ies" if re.search(r"[^aeiou]y$", word) else word + "s"


def _add_ing(word: str) -> str:
    if word.endswith("ie"):
        return word[:-2] + "ying"
    return word[:-1] + "ing" if re.search(r"[^eoy]e$", word) else word + "ing"


def _add_ed(word: str) -> str:
    if word.endswith("e"):
        return word + "d"
    return word[:-1] + "ied" if re.search(r"[^aeiou]y$", word) else word + "ed"


# ---- German: OpenThesaurus -----------------------------------------------------------------------

GERMAN = re.compile(r"[A-ZÄÖÜ]?[a-zäöüß]{2,}")
MARKED = re.compile(r"\(([^)]*)\)")
FINE_MARKS = frozenset({"", "Hauptform"})
ADJECTIVE = ("lich", "ig", "isch", "bar", "sam", "los", "voll", "haft", "iv", "al", "ent", "ant",
             "ell", "är", "ös", "arm", "reich", "frei")  # fmt: skip
LONGEST = 10  # letters of a German word; longer ones are compounds, and rare
MOST_SENSES = 4  # of a word: one that has more means too many things
GERMAN_KEPT_WORDS = """
aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist da dann das
dass dein deine dem den der des dich die dies diese diesem diesen dieser dieses dir doch dort du
durch ein eine einem einen einer eines er es etwas euch euer für gegen hab habe haben hat hatte
hier hin ich ihm ihn ihnen ihr ihre im in ins ist ja jede jedem jeden jeder jedes kann kein
keine können lassen machen man mehr mein meine mich mir mit muss müssen nach nicht nichts noch
nun nur ob oder ohne schon sehr sein seine selbst sich sie sind so soll sollen sondern tun über
um und uns unser unter vom von vor war waren warum was weil wenn wer werden wie wieder will wir
wird wo wollen wurde zu zum zur zwischen eins zwei drei vier fünf sechs sieben acht neun zehn
hundert tausend
"""
GERMAN_KEPT = frozenset(GERMAN_KEPT_WORDS.split())


def read_openthesaurus(path: Path) -> list[list[str]]:
    """Read the groups of words, each once, without what is marked as another kind of word."""
    groups = set()
    for line in path.read_text("utf-8").splitlines()[1:]:
        if line.startswith("-|"):
            groups.add(tuple(sorted(set(_read_words(line[2:].split("|"))))))
    return sorted([list(group) for group in groups if len(group) > 1])


def _read_words(cells: Iterable[str]) -> Iterator[str]:
    """Yield single words that no mark calls rare, coarse, or a wider term."""
    for cell in cells:
        marks = {mark.strip() for mark in MARKED.findall(cell)}
        word = MARKED.sub("", cell).strip()
        if marks <= FINE_MARKS and _is_plain_german(word):
            yield word


def _is_plain_german(word: str) -> bool:
    known = GERMAN.fullmatch(word) and word.lower() not in GERMAN_KEPT
    return bool(known) and len(word) <= LONGEST


def find_german_part(word: str) -> str:
    """Return the part of speech as the spelling shows it."""
    if word[0].isupper():
        return "noun"
    if word.endswith(("en", "ern", "eln")):
        return "verb"
    return "adjective" if word.endswith(ADJECTIVE) else "other"


def build_german(groups: list[list[str]]) -> Pairs:
    """List the synonyms of each German word, in its basic form."""
    of_word: dict[str, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        for word in group:
            of_word[word].append(i)
    out: Pairs = defaultdict(list)
    for group in groups:
        fine = [word for word in group if len(of_word[word]) <= MOST_SENSES]
        for a in fine:
            for b in fine:
                both = len(set(of_word[a]) & set(of_word[b]))
                usual = 3 * both >= max(len(of_word[a]), len(of_word[b]))
                if a != b and usual and find_german_part(a) == find_german_part(b):
                    out[a].append(b)
    return _rank(out, lambda word: -len(word))


# ---- both ----------------------------------------------------------------------------------------


def _rank(pairs: Mapping[str, Iterable[str]], uses: Callable[[str], int]) -> Pairs:
    return {
        word: sorted(dict.fromkeys(others), key=lambda other: (-uses(other), other))[:MOST]
        for word, others in sorted(pairs.items())
    }


def write_table(name: str, pairs: Pairs, names: Collection[str] = ()) -> None:
    """Write one word a line, and after it its synonyms; `=` before a word that is a name, too."""
    lines = "".join(
        f"{'=' * (word in names)}{word} {' '.join(others)}\n" for word, others in pairs.items()
    )
    path = OUT / f"{name}.txt.gz"
    path.write_bytes(gzip.compress(lines.encode("utf-8"), 9, mtime=0))
    print(f"{path.name}: {len(pairs):,} words, {path.stat().st_size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--wordnet", type=Path, required=True)
    parser.add_argument("--openthesaurus", type=Path, required=True)
    given = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    net = read_wordnet(given.wordnet)
    write_table("en", build_english(net), net.names)
    write_table("de", build_german(read_openthesaurus(given.openthesaurus)))


if __name__ == "__main__":
    main()
