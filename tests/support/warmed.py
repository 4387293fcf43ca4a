"""What the fork server of `damage` does before its first fork: the tables that texts are read by are read once."""

import tests.support.preloaded
from kb.language.query_reading import read_query

__all__ = ["tests"]

read_query("no small left pleural effusion")
