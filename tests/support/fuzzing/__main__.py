"""`python -m tests.support.fuzzing`: how many hostile inputs were tried, and what came of them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.fuzzing.campaign import run_campaign


def main() -> int:
    """Run a campaign and print its counts; exit 1 if anything failed."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--count", type=int, default=300)
    told.add_argument("--seed", type=int, default=1)
    told.add_argument("--door", action="append", default=[], help="only this one; several times for several")
    told.add_argument("--told", type=Path, help="write what came of each case here, a line of JSON each")
    asked = told.parse_args()
    began = time.monotonic()
    tried = 0

    def heard(told: dict[str, Any]) -> None:
        nonlocal tried
        tried += 1
        if asked.told:
            with asked.told.open("a") as file:
                file.write(json.dumps(told) + "\n")
        if tried % 100 == 0:
            print(f"{tried:,} of {asked.count:,}, {time.monotonic() - began:.0f} s", file=sys.stderr)

    found = run_campaign(asked.count, asked.seed, only=asked.door, heard=heard)
    print("\n".join(found.lines()))
    print(f"seed {asked.seed}, {time.monotonic() - began:.0f} s")
    return int(bool(found.failures))


if __name__ == "__main__":
    sys.exit(main())
