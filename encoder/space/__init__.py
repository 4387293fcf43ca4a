"""Concepts as directions: the concept space, its matrices, the projector, the text side."""
