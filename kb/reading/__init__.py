"""Data from outside, read: one reader a format, each within bounds, and nothing in a file is ever run.

JSON, YAML, XML, Parquet and tables of text come in here and nowhere else. What a reader refuses it tells in one line;
what the data mean is up to who asked for them.
"""
