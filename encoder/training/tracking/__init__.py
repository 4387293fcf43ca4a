"""What a training tells step by step, and where it is written: a file always, a tracker where one is asked for."""
