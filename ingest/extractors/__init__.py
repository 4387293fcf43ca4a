"""Reports to mentions: one protocol; rules, scispaCy, a language model."""
