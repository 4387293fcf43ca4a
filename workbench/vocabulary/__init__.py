"""The Vocabulary page: search as one types, filters, the hierarchy, and a concept with all that is known of it."""
