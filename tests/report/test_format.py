from __future__ import annotations

import math

import pytest

from goalkeeper.core.evidence import Measurement
from goalkeeper.report import format as fmt


def measurement(value: float, low: float, high: float, metric: str = "success_rate") -> Measurement:
    return Measurement(metric=metric, value=value, low=low, high=high, baseline=0.02, n=400)


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.62, 0.57, 0.67, "62 % (57 to 67 %), baseline 2 %, n = 400"),
        (0.005, 0.001, 0.013, "0.5 % (0.1 to 1.3 %), baseline 2.0 %, n = 400"),
        (0.02, -0.04, 0.08, "2 % (-4 to 8 %), baseline 2 %, n = 400"),
        (0.9999, 0.9, 1.0, "above 99 % (90 to 100 %), baseline 2 %, n = 400"),
        (0.0003, 0.0, 0.1, "below 1 % (0 to 10 %), baseline 2 %, n = 400"),
    ],
)
def test_shares_are_written_with_the_digits_their_interval_supports(
    value: float, low: float, high: float, text: str
) -> None:
    assert str(fmt.measurement(measurement(value, low, high))) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (5.2, 1.4, 9.1, "5.2 (1.4 to 9.1)"),
        (9.0, 1.3, math.inf, "9.0 (1.3 or more, no upper bound)"),
        (math.inf, 12, math.inf, "no finite value (12 or more, no upper bound)"),
        (1.0, -math.inf, 3.0, "1.0 (3.0 or less, no lower bound)"),
        (1.0, -math.inf, math.inf, "1 (no lower bound, no upper bound)"),
        (1234, 1100, 1400, "1,230 (1,100 to 1,400)"),
    ],
)
def test_ratios_and_infinities(value: float, low: float, high: float, text: str) -> None:
    numbers = fmt.measurement(measurement(value, low, high, "likelihood_ratio"))
    assert f"{numbers.value} ({numbers.interval})" == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.01, "1 %"), (0.001, "0.1 %"), (0.125, "12.5 %"), (1.0, "100 %")],
)
def test_shares_without_an_interval(share: float, text: str) -> None:
    assert fmt.percent(share) == text


def test_counts_points_and_time() -> None:
    assert fmt.count(164211) == "164,211"
    assert fmt.count(math.inf) == "unlimited"
    assert fmt.count(0.003) == "0.003"
    assert fmt.points(1, "none") == "1 point"
    assert fmt.points(math.inf, "none") == "none"
    assert [fmt.duration(s) for s in (0.2, 84, 600, 7900, math.inf)] == [
        "0.2 seconds",
        "84 seconds",
        "10 minutes",
        "2 hours",
        "unlimited time",
    ]
    assert [fmt.days(d) for d in (0, 0.05, 0.5, 40, math.inf)] == [
        "less than an hour",
        "1 hour",
        "12 hours",
        "40 days",
        "unlimited",
    ]
    assert fmt.levels(2, 2) == "2"
    assert fmt.levels(1, 3) == "1 to 3"


def test_metrics_are_named_in_words() -> None:
    assert fmt.metric_name("tpr_at_fpr_0.01") == "TPR at FPR 0.01"
    assert fmt.metric_name("normalised_gain") == "gain over guessing without access"
    assert fmt.scale_of("holdout_accuracy") is fmt.PERCENT
    assert fmt.scale_of("tolerance_multiple") is fmt.PLAIN


def test_hidden_characters_are_made_visible() -> None:
    assert (
        fmt.escape_invisible("a\u202eb\x1b[2J\u200b\ud800")
        == "a<U+202E>b<U+001B>[2J<U+200B><U+D800>"
    )
    assert fmt.escape_invisible("Grüße\n\tan 東京 🙂") == "Grüße\n\tan 東京 🙂"


def test_long_texts_say_that_they_were_cut() -> None:
    assert fmt.truncate("x" * 10, 10) == "x" * 10
    assert fmt.truncate("x" * 2_000, 5) == "xxxxx\n[truncated; the full text has 2,000 characters]"


def test_lists() -> None:
    assert [fmt.join_words(t) for t in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
