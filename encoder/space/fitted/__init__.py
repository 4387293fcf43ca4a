"""Concepts as directions of an encoder that knows no text: fitted to what is known of its images, and measured."""
