"""Units of work, executors that run them, and what keeps what they found: run folder and store."""
