"""The names of labels: which of them are one, which are related, and what is said for and against them."""

from kb.language.labels.label_lists import labels_of, list_names, with_lists
from kb.language.labels.label_table import LabelEntry, LabelNames, bundled_labels, normal_name, read_label_names

__all__ = [
    "LabelEntry",
    "LabelNames",
    "bundled_labels",
    "labels_of",
    "list_names",
    "normal_name",
    "read_label_names",
    "with_lists",
]
