"""Other names of observations, for the search: lay words, Latin, other languages; what is mined does not depend on them."""
