"""The MeSH headings of Open-i's reports as a table of labels: what indexers found the pictures to show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

from ingest.sources.openi import OpeniSource
from kb.reading.unreadable import Unreadable
from kb.reading.xml_text import read_xml

NOT_SAID = "No Indexing"
"""What stands where nobody has indexed a report: that is no label."""


def write_headings(source: OpeniSource, file: TextIO) -> None:
    """Write the headings of each report as a line of JSON: its study, and the list of its labels.

    A heading is "Pleural Effusion/left/small": the finding, and what qualifies it; the finding is the label. A report
    that nobody has indexed is left out: nothing is known of it.

    Args:
        source: the reports.
        file: where to.
    """
    for study, names in _headings(source):
        if names:
            file.write(json.dumps({"study": study, "labels": names}, ensure_ascii=False) + "\n")


def _headings(source: OpeniSource) -> Iterator[tuple[str, list[str]]]:
    for data in source.documents():
        try:
            root = read_xml(data)
        except Unreadable:  # the reading of the reports says so
            continue
        uid = root.find(".//uId")
        study = (uid.get("id") or "").strip() if uid is not None else ""
        told = ("".join(one.itertext()).split("/")[0].strip() for one in root.iter("major"))
        names = list(dict.fromkeys(name for name in told if name and name != NOT_SAID))
        if study:
            yield study, names
