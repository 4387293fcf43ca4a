"""What reading a report needs beyond its sentences: where they end, abbreviations, comparisons."""
