"""Texts to vectors: embedded, stored, indexed, searched."""
