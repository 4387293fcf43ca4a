"""Vectors of images that a model from elsewhere made: read from a file, joined to images, stored under its name."""
