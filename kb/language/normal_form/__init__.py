"""The normal form of an observation: what of a phrase makes its concept, and the words that the concept is told in.

`spelling` brings words to the spelling of the tables, `reading` takes a phrase apart, `wording` writes the canonical
text; `tables` are the `.tsv` files of the lexicon that say which words describe and which say nothing.
"""
