"""Measure Kotally against the targets it has set itself, and prove the books after each load."""
