"""Kills and crowds: what the knowledge base is promised to survive, tried many times and counted."""
