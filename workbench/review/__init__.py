"""The Review page: queues in groups, decided by keys, by rule, by several curators at once."""
