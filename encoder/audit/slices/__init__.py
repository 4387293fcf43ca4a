"""Clusters of images where a model fails."""
