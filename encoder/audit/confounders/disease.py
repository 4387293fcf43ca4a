"""Which findings are the disease that a label names, and so no confounder of it.

What stands under the disease is the disease: a rib fracture is no confounder of fracture. Signs of it count: vascular
congestion is none of edema. What usually comes with it does not: a chest tube is no pneumothorax, however often the two
are seen together. `label_findings.tsv` holds the signs, and is plain data, for a radiologist.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from kb.errors import UsageError
from kb.language.label_names import is_no_finding, plain_label
from kb.language.labels import bundled_labels
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query
from kb.language.wider_terms import wider_findings
from kb.sql.messages import near_names


def disease_of(label: str, more: Iterable[str] = (), findings: Iterable[str] = ()) -> frozenset[str]:
    """The findings that count as what `label` names.

    Args:
        label: in any spelling.
        more: what a curator adds, with all that stands under it.
        findings: those that could be named: of "No Finding" all of them but devices are what the label itself denies.
    """
    name = plain_label(label)
    below = wider_findings().below
    found = frozenset(one for added in more for one in below(_finding(added)))
    if is_no_finding(label):
        return frozenset({*found, *(one for one in findings if one not in _devices())})
    entry = bundled_labels().entry(label)
    named = entry.findings if entry is not None else (_finding(name),)
    signs = _table().get(name, ())
    groups = [sign for sign in signs if sign not in load_lexicon().kinds]
    return frozenset({*found, *signs, *(one for finding in (*named, *groups) for one in below(finding))})


def check_findings(names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a name that is no finding of the lexicon, nor one of `known` (UsageError): it would change nothing."""
    findings = {*known, *(label for label, _, _ in load_lexicon().rows())}
    for name in names:
        if _finding(name) not in findings:
            near = near_names(name, findings)
            raise UsageError(f"disease '{name}': there is no such finding{f': did you mean {near}?' if near else ''}")


def _finding(name: str) -> str:
    """The finding that a name is of; itself, where it says nothing that the lexicon could read."""
    try:
        return read_query(name).finding
    except ValueError:
        return plain_label(name)


@cache
def _devices() -> frozenset[str]:
    return frozenset(label for label, kind, _ in load_lexicon().rows() if kind == "device")


@cache
def _table() -> dict[str, tuple[str, ...]]:
    lines = (files("encoder.audit.confounders") / "label_findings.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {label: tuple(findings.split("|")) for label, findings in pairs}


@cache
def telling_nothing() -> frozenset[str]:
    """Findings that name nothing that a model could lean on: statements that all is well, and "abnormality"."""
    rows = load_lexicon().rows()
    return frozenset(label for label, kind, _ in rows if kind == "normal" or label.endswith("abnormality"))
