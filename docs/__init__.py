"""The documentation: pages that are written by hand, and what generates the reference."""
