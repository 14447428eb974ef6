"""Tests of the order and the end of attack runs."""
