"""The hardened spam filter. This file is yours: change it, and assess it again.

What differs from `filter.py`: a mail is checked and normalised before the model sees it, and the
model keeps no word of few mails and counts each word once, so that it remembers no single mail.
"""

import unicodedata
from collections.abc import Mapping

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

LONGEST = 700  # characters; the application file states the same


def clean(mail: object) -> str:
    """Refuse what is no mail; drop accents and signs that nobody sees."""
    if not isinstance(mail, str) or not mail.strip() or len(mail) > LONGEST:
        raise ValueError(f"a mail is a text of 1 to {LONGEST} characters")
    return unicodedata.normalize("NFKD", mail).encode("ascii", "ignore").decode().lower()


def build() -> Pipeline:
    """Build the filter: which of the words of at least 20 mails occur, then naive Bayes."""
    return make_pipeline(
        CountVectorizer(preprocessor=clean, binary=True, min_df=20), MultinomialNB(alpha=1.0)
    )


def react(label: str, scores: Mapping[str, float] | None) -> str:
    """Return what becomes of a mail: nothing is deleted, a person can look into the folder."""
    return "inbox" if label == "ham" else "spam folder"
