"""The names of labels: how two of them are compared, and which say that there is nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kb.language.labels import bundled_labels, normal_name


def plain_label(label: str) -> str:
    """A label as it is compared: "Effusion" and "pleural effusion" are one, "Pleural_Thickening" its small letters."""
    return bundled_labels().key(label)


def spelling(first: Sequence[str] = ()) -> Callable[[str], str]:
    """One spelling of each label of a file: as in `first`, else as first met; "nodule" and "Nodule" are one."""
    spelt = {normal_name(name): name for name in first}

    def one(name: str) -> str:
        return spelt.setdefault(normal_name(name), name.strip())

    return one


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
    return normal_name(label).replace(" ", "").replace("-", "") in NO_FINDING
