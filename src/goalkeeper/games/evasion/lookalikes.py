# ruff: noqa: RUF001 - letters that look alike are the subject
"""Letters that look alike: Latin, Cyrillic and Greek ones, digits, and other forms of one letter.

Written for goalkeeper, in the spirit of the confusables of Unicode (UTS #39). Letters of one group
are different code points that normalisation (NFKC) leaves apart; forms of one letter (half-width
kana, compatibility ideographs, a letter taken apart into base and mark) it brings together, so
that an application which normalises its texts does not see them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from goalkeeper.core.scripts import list_clusters

# Each group: letters of Latin, of Cyrillic and of Greek, the first of each being the usual one, and
# signs and digits that are read as such a letter. A dash stands for no letter.
GROUPS = """
a а α @4
b в,ь β 8
c с ϲ (
d ԁ - -
e е ε 3
g ԍ - 9
h һ,н - -
i і ι 1!l
j ј - -
k к κ -
l ӏ - 1I|
m м - -
n п η -
o о ο 0
p р ρ -
q ԛ - -
r г - -
s ѕ - 5$
t т τ 7+
u ц υ -
v ѵ ν -
w ѡ ω -
x х χ -
y у γ -
z - - 2
A А Α @4
B В Β 8
C С Ϲ (
E Е Ε 3
G Ԍ - 6
H Н Η -
I І Ι 1l|
J Ј - -
K К Κ -
M М Μ -
N - Ν -
O О Ο 0
P Р Ρ -
Q Ԛ - -
S Ѕ - 5$
T Т Τ 7
V Ѵ - -
W Ԝ - -
X Х Χ -
Y Ү Υ -
Z - Ζ 2
- з - 3
- З - 3
- б - 6
- ч - 4
- п π -
- П Π -
- г г -
- Г Γ -
- ф φ -
- Ф Φ -
- л λ -
- Л Λ -
- ө θ -
- Ө Θ -
ɯ ш - -
ç - ς -
ß - β -
- у υ -
- У Υ -
o - σ -
µ - μ -
"""
# Letters of wider alphabets that differ by a small stroke, hook or tail.
STROKES = "кқ нң гғ хҳ жҗ чҷ пԥ зҙ сҫ йҋ КҚ НҢ ГҒ ХҲ ЖҖ ЧҶ ЗҘ СҪ ЙҊ ыӹ яӕ дԃ лԉ рҏ тҭ"
# Arabic letters as Persian and Urdu write them.
ARABIC = "كک يی هہ ىی"


def _read_groups() -> Iterator[tuple[str, str]]:
    """Yield each letter with what may stand for it, the other scripts in order, then the signs."""
    for line in GROUPS.strip().splitlines():
        *scripts, signs = ("" if cell == "-" else cell for cell in line.split())
        letters = [tuple(cell.split(",")) if cell else () for cell in scripts]
        for i, own in enumerate(letters):
            others = [other for j, cell in enumerate(letters) if j != i for other in cell]
            # After the first script the signs: the second way of spelling is another kind of trick.
            for letter in own:
                yield letter, "".join([*others[:1], *signs, *others[1:]])
    for pair in (*STROKES.split(), *ARABIC.split()):
        yield pair[0], pair[1]
        yield pair[1], pair[0]


def _list_forms() -> Iterator[tuple[str, str]]:
    """Yield kana and ideographs with their other forms, as normalisation knows them."""
    for code in (*range(0x2F00, 0x2FD6), *range(0xF900, 0xFAFF), *range(0xFF66, 0xFF9E),
                 *range(0xFB21, 0xFB29)):  # fmt: skip
        usual = unicodedata.normalize("NFKC", chr(code))
        if len(usual) == 1 and usual != chr(code):
            yield usual, chr(code)
            yield chr(code), usual


def _build_table() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, str] = {}
    for letter, others in (*_read_groups(), *_list_forms()):
        found[letter] = found.get(letter, "") + others
    return MappingProxyType({
        letter: tuple(other for other in dict.fromkeys(others) if other != letter)
        for letter, others in found.items()
    })  # fmt: skip


LOOKS = _build_table()


def list_lookalikes(letter: str) -> tuple[str, ...]:
    """List what looks like a letter with its marks, the most similar first."""
    direct = LOOKS.get(letter)
    if direct is not None or letter.isascii():
        return direct or ()
    parts = unicodedata.normalize("NFD", letter)
    base, marks = parts[:1], parts[1:]
    if not marks:
        return ()
    others = [unicodedata.normalize("NFC", other + marks) for other in LOOKS.get(base, ())
              if other.isalpha()]  # fmt: skip
    whole = unicodedata.normalize("NFC", parts)
    return tuple(other for other in dict.fromkeys([*others, parts, whole]) if other != letter)


def swap_lookalikes(word: str, which: int = 0) -> str:
    """Replace every letter that has one by a look-alike: the first of them are other scripts'."""
    return "".join(_swap_letter(letter, which) for letter in list_clusters(word))


def _swap_letter(letter: str, which: int) -> str:
    found = list_lookalikes(letter)
    return found[min(which, len(found) - 1)] if found else letter
