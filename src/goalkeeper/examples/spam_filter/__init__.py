"""The spam filter: a generator of e-mails with known truth, and the filter to evaluate."""
