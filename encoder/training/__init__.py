"""Training an encoder against a vocabulary: what it learns from, what it learns for, and how."""
