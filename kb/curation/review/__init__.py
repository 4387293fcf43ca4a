"""Review: a curator walks through a queue of concepts and decides on each; every decision is a change at once.

`queue` says what is to be looked at, `session` what a decision does and how it is undone, `screen` shows it.
"""
