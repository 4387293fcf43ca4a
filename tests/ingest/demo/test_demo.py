"""`clear-kb demo`: the whole story, from reports to explained predictions, in one command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def test_it_does_not_touch_a_folder_of_someone_else(tmp_path: Path, cli: Callable) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert "holds other files" in cli("demo", "--folder", "mine", code=2).stderr
    assert (tmp_path / "mine" / "thesis.txt").exists()


@pytest.mark.soak
def test_the_whole_story_small(tmp_path: Path) -> None:
    import subprocess
    import sys

    for images in ("60", "600"):  # again, it takes its own folder away and begins anew
        command = [Path(sys.executable).with_name("clear-kb"), "demo", "--folder", "d", "--images", images]
        command += ["--epochs", "2", "--no-serve"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=1800, check=False)
        assert done.returncode == 0, done.stderr
        assert ("too few" in done.stdout) == (images == "60")
    for told in ("concepts-zero-shot", "plain-zero-shot", "bottleneck", "residual", "evidence", "minutes"):
        assert told in done.stdout
    assert "Content-Security-Policy" in (tmp_path / "d" / "audit.html").read_text(encoding="utf-8")
    for picture in ("pneumothorax.png", "effusions.png", "concepts/curve.png"):
        assert (tmp_path / "d" / picture).stat().st_size > 5_000
