"""Suggestions for the curator: what may be a duplicate, a synonym, an outlier, or too rare to keep."""
