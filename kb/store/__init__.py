"""Versions of tables: storage, commits, publication, branches, garbage collection; it knows no concept."""
