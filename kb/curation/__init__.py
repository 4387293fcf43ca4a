"""The concepts, changed: acts, what they write, differences, merging, suggestions, review."""
