"""Data sets that are known by a description: what lies where, and what it means."""
