"""Kills at single file operations: what a writing command leaves behind, tried many times and counted."""
