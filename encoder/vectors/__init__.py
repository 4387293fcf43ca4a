"""Pixels to vectors: read, encoded, stored."""
