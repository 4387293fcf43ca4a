"""Validation: models by sites and labels, with paired tests, readers and seeds, as a paper reports them."""
