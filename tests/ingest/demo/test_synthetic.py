"""Synthetic reports: the same from the same seed, varied, and read back as they were made."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from ingest.demo.synthetic import SITES, synthetic_reports, write_synthetic_csv
from ingest.report import Report
from ingest.sources import open_source


def test_a_seed_tells_the_reports() -> None:
    first = list(synthetic_reports(200, seed=3))
    assert first == list(synthetic_reports(200, seed=3))
    assert first != list(synthetic_reports(200, seed=4))


def test_reports_are_many_and_varied() -> None:
    reports = list(synthetic_reports(20_000))
    assert len({report.report_id for report in reports}) == len(reports)
    assert len({report.findings for report in reports}) > 0.99 * len(reports)
    assert {report.site for report in reports} == set(SITES)
    studies = Counter(report.patient_id for report in reports)
    assert max(studies.values()) > 1
    assert all(report.findings.strip() and report.impression.strip() and report.indication for report in reports)


def test_a_patient_stays_at_one_site() -> None:
    reports = list(synthetic_reports(2_000))
    assert len({(report.patient_id, report.site) for report in reports}) == len({r.patient_id for r in reports})


def test_they_speak_of_sides_sizes_denials_hedges_comparisons_and_devices() -> None:
    text = " ".join(report.findings.lower() for report in synthetic_reports(500))
    for word in ("left", "right", "small", "no evidence of", "may represent", "unchanged", "tip in the svc"):
        assert word in text


def test_they_are_read_back_as_they_were_made(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.csv"
    write_synthetic_csv(path, 300, seed=1)
    items = list(open_source(path))
    for made, item in zip(synthetic_reports(300, seed=1), items, strict=True):
        assert isinstance(item, Report)
        assert (item.report_id, item.study_id, item.patient_id) == (made.report_id, made.study_id, made.patient_id)
        texts = {section.name: section.text for section in item.sections}
        assert (texts["findings"], texts["impression"]) == (made.findings, made.impression)


def test_twenty_thousand_are_made_in_seconds() -> None:
    started = time.monotonic()
    assert sum(1 for _ in synthetic_reports(20_000)) == 20_000
    assert time.monotonic() - started < 5
