"""Units of work, executors that run them, and the folder that keeps what they found."""
