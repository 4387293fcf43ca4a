"""Prompts: the sentences that say that a label holds, and that it does not.

By default what the table of label names says of a label (`kb.language.labels`): "Pleural Other" is thickening, plaques
and the like. Where it says nothing, "{x}" against "no {x}". "No finding" would be turned round by that ("no no finding"
holds for the sick), so labels of a normal image have sentences of their own. A YAML file says others, for single labels
or for all:

    prompts:
      present: ["{x}", "there is {x}"]
      absent: ["no {x}"]
    labels:
      Edema: {present: [pulmonary edema, interstitial edema], absent: [no pulmonary edema]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kb.errors import UsageError
from kb.language.label_names import is_no_finding
from kb.language.labels import LabelEntry, LabelNames, bundled_labels
from kb.language.lexicon import load_lexicon
from kb.reading.shown import shown
from kb.reading.yaml_text import read_yaml_file


@dataclass(frozen=True, slots=True)
class Prompts:
    """Sentences for and against one label."""

    present: tuple[str, ...]
    absent: tuple[str, ...]


DEFAULT = Prompts(("{x}",), ("no {x}",))

NORMAL = Prompts(
    ("no acute cardiopulmonary abnormality", "normal chest", "the lungs are clear"),
    ("acute cardiopulmonary abnormality", "abnormal chest", "pulmonary opacity"),
)
"""What is said of an image without findings, and against it."""


@dataclass(frozen=True, slots=True)
class PromptSet:
    """The sentences of many labels: those said for one, else those of the table of label names, else the templates."""

    templates: Prompts = DEFAULT
    labels: Mapping[str, Prompts] = field(default_factory=dict)
    names: LabelNames = field(default_factory=bundled_labels)

    def of(self, label: str) -> Prompts:
        """The sentences of a label."""
        if label in self.labels:
            return self.labels[label]
        if is_no_finding(label):
            return NORMAL
        entry, own = self.names.entry(label), self.templates == DEFAULT
        subjects = entry.present if entry is not None and entry.present else (self._name(label, entry),)
        present, absent = (
            tuple(template.replace("{x}", subject) for template in templates for subject in subjects)
            for templates in (self.templates.present, self.templates.absent)
        )
        return Prompts(present, entry.absent if entry is not None and entry.absent and own else absent)

    def _name(self, label: str, entry: LabelEntry | None) -> str:
        """A label as it stands in a sentence: in the table's words where its own are no name of a finding."""
        name = " ".join(label.replace("_", " ").split())
        if entry is not None and load_lexicon().canonical(name) is None:
            return entry.label
        return name if name.isupper() else name.lower()


def read_prompts(path: Path) -> PromptSet:
    """The prompt set in a YAML file.

    Raises:
        UsageError: there is none, or it is not of that form; the message says where.
    """
    fields = read_yaml_file(path)
    fields = {} if fields is None else fields
    if not isinstance(fields, dict) or (unknown := set(fields) - {"prompts", "labels"}):
        named = "" if not isinstance(fields, dict) else f", not {', '.join(map(str, unknown))}"
        raise UsageError(f"{path}: `prompts` and `labels` were expected{named}")
    templates = _prompts(path, "prompts", fields["prompts"]) if "prompts" in fields else DEFAULT
    labels = fields.get("labels") or {}
    if not isinstance(labels, dict):
        raise UsageError(f"{path}: `labels` holds a mapping of labels to their prompts")
    return PromptSet(templates, {str(label): _prompts(path, str(label), said) for label, said in labels.items()})


def _prompts(path: Path, where: str, told: Any) -> Prompts:
    if not isinstance(told, dict) or set(told) != {"present", "absent"}:
        raise UsageError(f"{path}, {where}: `present` and `absent` were expected")
    return Prompts(_sentences(path, where, told["present"]), _sentences(path, where, told["absent"]))


def _sentences(path: Path, where: str, told: Any) -> tuple[str, ...]:
    sentences: Sequence[Any] = [told] if isinstance(told, str) else told
    if not isinstance(sentences, list) or not sentences or not all(isinstance(s, str) and s.strip() for s in sentences):
        raise UsageError(f"{path}, {where}: one sentence or a list of them was expected, not {shown(told)}")
    return tuple(sentences)
