"""Folders of text files: only what lies in them, and only files."""

from __future__ import annotations

import os
from pathlib import Path

from ingest.sources import open_source


def test_pipes_devices_and_links_out_of_the_folder_are_put_aside_and_the_others_are_taken(tmp_path: Path) -> None:
    folder, outside = tmp_path / "reports", tmp_path / "secret.txt"
    folder.mkdir()
    outside.write_text("Not for anybody.")
    (folder / "a.txt").write_text("Left effusion.")
    (folder / "b.txt").symlink_to(outside)
    (folder / "c.txt").symlink_to("/dev/zero")
    (folder / "d.txt").symlink_to(folder / "a.txt")
    os.mkfifo(folder / "e.txt")
    told = {item.position: getattr(item, "reason", "taken") for item in open_source(folder)}
    assert told["a.txt"] == told["d.txt"] == "taken"
    assert "leads out of the folder" in told["b.txt"]
    assert "leads out of the folder" in told["c.txt"]
    assert "not a file but a pipe" in told["e.txt"]


def test_a_name_that_is_no_text_is_put_aside_and_the_others_are_taken(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Left effusion.")
    (tmp_path / os.fsdecode(b"\xe9.txt")).write_text("Right effusion.")
    told = {item.position: getattr(item, "reason", "taken") for item in open_source(tmp_path)}
    assert told == {"a.txt": "taken", "\\udce9.txt": "the name of the file is not UTF-8: call it otherwise"}
