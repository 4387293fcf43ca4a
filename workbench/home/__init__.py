"""The first page, and what every page shares: the way in, who sits here, what others do, undoing."""
