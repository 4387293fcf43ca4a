"""Whose data a knowledge base holds: who took some out, what may be given away, and patients forgotten."""
