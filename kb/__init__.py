"""The knowledge base: storage, commits, vocabulary, embedding and search."""
