"""The image encoder: trained against the vocabulary; its predictions are read concept by concept."""
