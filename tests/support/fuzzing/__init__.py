"""Hostile inputs through the public doors: seeded, counted, each in a process that is bounded.

python -m tests.support.fuzzing --count 20000 --seed 1        what came of each kind of input
python -m tests.support.fuzzing --door patch --case 17        one case again, with its traceback
"""
