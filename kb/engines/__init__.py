"""Where batches of work are done: in this process, in several, or on a Ray cluster; the results are the same."""
