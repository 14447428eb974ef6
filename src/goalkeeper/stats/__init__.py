"""Statistics of an evaluation: pure functions of arrays and counts, which know no attack.

What `alpha` means: an interval of one quantity (`clopper_pearson`, `mean_t`, `auc`, `tpr_at_fpr`,
`nondecreasing_band`) spends `alpha / 2` on each side. What combines two samples (`excess`,
`normalised_gain`, `ratio`, `damage`), or two outcomes of one (`paired_difference`,
`paired_normalised_gain`), gives two bounds of which each holds with `1 - alpha` on its own. No
data raises ValueError: the caller says "inconclusive".
"""

from __future__ import annotations

from goalkeeper.stats.changes import (
    fisher,
    pvalue_of_difference,
    resample_difference,
    swap_test,
)
from goalkeeper.stats.curves import cumulative_success, geometric_grid, nondecreasing_band
from goalkeeper.stats.detecting import items_to_detect, pairs_to_detect, tries_to_detect
from goalkeeper.stats.discordant import paired_difference, paired_normalised_gain
from goalkeeper.stats.epsilon import epsilon_ceiling, epsilon_lower_bound
from goalkeeper.stats.intervals import (
    Interval,
    IntervalEstimate,
    clopper_pearson,
    excess,
    mean_t,
    normalised_gain,
    proportion_lower,
    proportion_upper,
    ratio,
    subtract,
)
from goalkeeper.stats.membership import lira, offline_lira, student_ratio
from goalkeeper.stats.multiplicity import bonferroni, holm
from goalkeeper.stats.paired import damage, mcnemar
from goalkeeper.stats.relative import relative_likelihood, rmia
from goalkeeper.stats.retrieval import precision_at_k, precision_baseline, precision_pvalue
from goalkeeper.stats.roc import (
    advantage,
    auc,
    break_ties,
    calibrated_threshold,
    counts_at_threshold,
    roc_curve,
    simultaneous_auc,
    tpr_at_fpr,
)
from goalkeeper.stats.sampling import (
    WELL_RESOLVED,
    campaign,
    minimum_detectable,
    negatives_for_fpr,
    resolved_rates,
    tries_for_width,
    tries_to_exclude,
    upper_after_zero,
)

__all__ = [
    "Interval",
    "IntervalEstimate",
    "WELL_RESOLVED",
    "advantage",
    "auc",
    "bonferroni",
    "break_ties",
    "calibrated_threshold",
    "campaign",
    "clopper_pearson",
    "counts_at_threshold",
    "cumulative_success",
    "damage",
    "epsilon_ceiling",
    "epsilon_lower_bound",
    "excess",
    "fisher",
    "geometric_grid",
    "holm",
    "items_to_detect",
    "lira",
    "mcnemar",
    "mean_t",
    "minimum_detectable",
    "negatives_for_fpr",
    "nondecreasing_band",
    "normalised_gain",
    "offline_lira",
    "paired_difference",
    "paired_normalised_gain",
    "pairs_to_detect",
    "precision_at_k",
    "precision_baseline",
    "precision_pvalue",
    "proportion_lower",
    "proportion_upper",
    "pvalue_of_difference",
    "ratio",
    "relative_likelihood",
    "resample_difference",
    "resolved_rates",
    "rmia",
    "roc_curve",
    "simultaneous_auc",
    "student_ratio",
    "subtract",
    "swap_test",
    "tpr_at_fpr",
    "tries_for_width",
    "tries_to_detect",
    "tries_to_exclude",
    "upper_after_zero",
]
