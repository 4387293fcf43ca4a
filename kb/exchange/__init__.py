"""Exchange: vocabularies out to other tools and back, and the published bank in.

`records` says what one concept is outside; one file a format reads and writes them; `importing` takes what was read
into a knowledge base as one commit.
"""
