"""REDCap: the rows of a record are told apart, checkboxes and other instruments are passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.report import LeftOut, Reject, Report
from ingest.sources import open_source
from ingest.sources.source import Source
from kb.errors import UsageError
from tests.support.files import write

RAW = (
    "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,age,symptoms___1,symptoms___2,"
    "findings,impression,cxr_complete,redcap_data_access_group\n"
    "17,baseline_arm_1,,,61,1,0,,,,hill\n"
    "17,baseline_arm_1,chest_film,1,,,,Small effusion.,,2,hill\n"
    "17,baseline_arm_1,chest_film,2,,,,Large effusion.,Effusion.,2,hill\n"
    "17,month_3_arm_1,chest_film,1,,,,Clear.,,2,hill\n"
    "18,baseline_arm_1,,,40,0,0,,Normal.,2,hill\n"
    ",baseline_arm_1,,,40,0,0,Lost.,,2,hill\n"
)
LABELS = (
    'Record ID,Event Name,Repeat Instrument,Repeat Instance,"Symptoms (choice=Cough, dry)",Findings,Complete?\n'
    "17,Baseline,Chest film,1,Checked,Small effusion.,Complete\n"
)


def opened(folder: Path, text: str, **options: Any) -> Source:
    source = open_source(write(folder / "export.csv", text), **options)
    assert source.format == "redcap"
    return source


def test_a_report_is_known_by_record_event_instrument_and_instance(tmp_path: Path) -> None:
    items = list(opened(tmp_path, RAW))
    assert [(item.report_id, item.patient_id) for item in items if isinstance(item, Report)] == [
        ("17/baseline_arm_1/chest_film/1", "17"),
        ("17/baseline_arm_1/chest_film/2", "17"),
        ("17/month_3_arm_1/chest_film/1", "17"),
        ("18/baseline_arm_1", "18"),
    ]


def test_rows_of_other_instruments_are_counted_and_a_row_of_no_record_is_rejected(tmp_path: Path) -> None:
    items = list(opened(tmp_path, RAW))
    assert items[0] == LeftOut("row 1 (line 2)", "no report in the row", "no instrument that repeats")
    assert items[-1] == Reject("row 6 (line 7)", "no record id in column 'record_id'")


def test_checkboxes_and_administration_are_no_columns(tmp_path: Path) -> None:
    assert opened(tmp_path, RAW).unused_columns == ("age",)
    with pytest.raises(UsageError, match="no column of report text") as error:
        opened(tmp_path, "record_id,redcap_event_name,symptoms___1,cxr_text\n1,a,1,x\n")
    assert "___" not in str(error.value) and "cxr_text" in str(error.value)


def test_an_export_with_labels(tmp_path: Path) -> None:
    source = opened(tmp_path, LABELS)
    [report] = source
    assert isinstance(report, Report)
    assert (report.report_id, report.patient_id, source.unused_columns) == ("17/Baseline/Chest film/1", "17", ())


def test_columns_can_be_mapped_and_asked_about(tmp_path: Path) -> None:
    text = "pid,redcap_event_name,film_no,mrn,befund,site\n1,base,F1,M1,Clear.,hill\n"
    [report] = opened(
        tmp_path, text, mapping={"id": "film_no", "findings": "befund", "patient": "mrn"}, fields=["site"]
    )
    assert isinstance(report, Report)
    assert (report.report_id, report.patient_id, dict(report.fields)) == ("F1", "M1", {"site": "hill"})


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_any_delimiter(tmp_path: Path, sign: str) -> None:
    [report] = opened(tmp_path, sign.join(["id", "redcap_event_name", "findings"]) + f"\n1{sign}base{sign}Clear.\n")
    assert report.report_id == "1/base"
