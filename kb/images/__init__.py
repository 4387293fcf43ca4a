"""Radiographs: read from any file they come in, brought to one shape, and their pixels kept once."""
