"""A sentence to statements: what it says of what, and whether it affirms, denies or doubts it."""
