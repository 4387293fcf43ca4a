"""A small file of CLIP's merges for tests."""

from pathlib import Path

MERGES = ["l u", "lu n", "lun g</w>", "n o</w>", "e f", "ef f"]
"""lung</w>, no</w> and eff: with them there are 512 + 6 + 2 = 520 tokens."""

START, END = 518, 519


def written(path: Path, merges: list[str]) -> Path:
    path.write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    return path
