"""One-line mutations of goalkeeper, each with the tests that must notice it."""
