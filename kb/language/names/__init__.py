"""Other names of observations, for the search alone: lay words, Latin, other languages."""
