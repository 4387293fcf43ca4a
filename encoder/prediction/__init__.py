"""Predictions from image vectors: zero-shot by sentences, linear probes, concept bottlenecks; each a linear head."""
