"""The names of labels: how two spellings are compared, and which of them say that there is nothing."""

from __future__ import annotations


def plain_label(label: str) -> str:
    """A label as it is compared: "Pleural_Thickening" is "pleural thickening"."""
    return " ".join(label.replace("_", " ").lower().split())


NO_FINDING = frozenset(
    (
        "nofinding",
        "nofindings",
        "noabnormality",
        "noacutefinding",
        "noacutefindings",
        "noacuteabnormality",
        "normal",
        "healthy",
    )
)
"""What labels of images without findings are called, without spaces and hyphens."""


def is_no_finding(label: str) -> bool:
    """Whether a label says that there is nothing: that is no finding, and never in a mean over findings."""
    return plain_label(label).replace(" ", "").replace("-", "") in NO_FINDING
