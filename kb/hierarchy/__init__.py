"""What concepts stand under: one order on what they say, and what follows from it."""
