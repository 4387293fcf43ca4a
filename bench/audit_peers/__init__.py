"""Audits of other makers on the same planted data sets as ours, each in an environment of its own."""
