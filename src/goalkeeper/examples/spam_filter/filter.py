"""The spam filter that goalkeeper evaluates in this example. This file is yours: change it.

`build` is what the application file names. Try `build_bayes`, another `C`, or a model of your own:
any scikit-learn classifier that takes a list of texts will do. Then run the evaluation again.
"""

from collections.abc import Mapping

from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline


def build() -> Pipeline:
    """Build the filter: words weighted by TF-IDF, then logistic regression."""
    return make_pipeline(
        TfidfVectorizer(lowercase=True, sublinear_tf=False, min_df=1),
        LogisticRegression(C=10, max_iter=1000),
    )


def build_bayes() -> Pipeline:
    """Build the classic filter: word counts, then naive Bayes."""
    return make_pipeline(CountVectorizer(), MultinomialNB())


def react(label: str, scores: Mapping[str, float] | None) -> str:
    """Return what becomes of a mail: what is spam beyond doubt is deleted and never seen."""
    if label == "ham":
        return "inbox"
    return "delete" if scores is not None and scores["spam"] > 0.99 else "spam folder"
