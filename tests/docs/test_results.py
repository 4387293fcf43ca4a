"""bench/RESULTS.md: a run writes the tables of its own benches, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bench.__main__ import BENCHES
from bench.measure import Row
from bench.results import COLUMNS, RESULTS, write_results

DAY = date(2027, 1, 2)


def test_a_partial_run_replaces_its_own_table_and_keeps_the_prose_and_the_others(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    write_results({"a": [Row("x", "1x", "", "y")], "b": [Row("old", "2x", "1 to 3", "z")]}, page, on="here", day=DAY)
    page.write_text(page.read_text().replace("## b\n", "## b\n\nWhat b is.\n") + "\nAfter it.\n\n## Notes\n\nKept.\n")
    before = page.read_text()
    write_results({"b": [Row("new | one", "5x", "4 to 6", "z")]}, page, on="there", day=DAY)
    after = page.read_text()
    assert "| new \\| one | 5x | 4 to 6 | z | there | 2027-01-02 |" in after
    assert "| old |" not in after
    assert [line for line in before.splitlines() if not line.startswith("| old")] == [
        line for line in after.splitlines() if not line.startswith("| new")
    ]
    assert after.count(COLUMNS) == 2


def test_every_bench_has_a_section_with_a_table() -> None:
    page = RESULTS.read_text(encoding="utf-8")
    for name in BENCHES:
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert COLUMNS in section, name
