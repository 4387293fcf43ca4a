"""Pictures into the knowledge base."""
