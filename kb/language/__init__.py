"""What a phrase says, without a database: the lexicon, words, facets, measurements."""
