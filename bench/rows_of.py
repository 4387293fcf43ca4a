"""The rows of one bench as JSON: `python -P bench/rows_of.py NAME`, of the tree that PYTHONPATH names first.

`bench.compare` runs this file on an older tree too, so it asks of that one only what it had from the beginning.
"""

import json
import sys
from dataclasses import asdict
from importlib import import_module

if __name__ == "__main__":
    benches = import_module("bench.__main__").BENCHES
    name = sys.argv[1]
    rows = [asdict(row) for row in benches[name]()] if name in benches else None
    print("\n" + json.dumps(rows, default=float))  # a number may be numpy's
