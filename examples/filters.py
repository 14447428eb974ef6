"""The filters that the application files in this folder evaluate."""

from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline


def build_tfidf() -> Pipeline:
    """Words weighted by TF-IDF, then logistic regression."""
    return make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))


def build_bayes() -> Pipeline:
    """Word counts, then naive Bayes: the classic filter."""
    return make_pipeline(CountVectorizer(), MultinomialNB())
