"""Search: what a query asks, which concepts it may mean, and how near each of them is to it."""
