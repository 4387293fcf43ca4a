"""The audit: SQL over predictions and labels, confounders, slices; it needs tables and vectors, and no encoder."""
