"""Phantoms: synthetic chest X-rays with reports, labels, boxes and a planted shortcut, drawn by the project itself.

`write_phantom_study` writes a whole study into a folder. `phantom_studies` draws what is true of each study,
`draw_study` its picture, `write_report` its report; all follow from a seed, and no patient stands behind any of it.

The shortcut: at the site "harbor" a chest tube goes with a pneumothorax, in every split; at "hill" and "valley" it
goes with nothing. A model that learns from harbor's patients may tell the tube for the pneumothorax.
"""

from ingest.demo.drawing import Box, Picture, draw_study
from ingest.demo.report_wording import PhantomReport, Said, write_report
from ingest.demo.study import LABELS, SITES, SPLITS, Planted, Study, phantom_studies
from ingest.demo.writing import PhantomStudy, write_phantom_reports, write_phantom_study

__all__ = [
    "LABELS",
    "SITES",
    "SPLITS",
    "Box",
    "PhantomReport",
    "PhantomStudy",
    "Picture",
    "Planted",
    "Said",
    "Study",
    "draw_study",
    "phantom_studies",
    "write_phantom_reports",
    "write_phantom_study",
    "write_report",
]
