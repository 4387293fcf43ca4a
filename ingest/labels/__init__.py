"""Tables of labels and of scores into the knowledge base."""
