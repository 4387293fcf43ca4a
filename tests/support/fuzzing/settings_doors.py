"""What a person writes by hand: YAML, tables and lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.fuzzing import seeds
from tests.support.fuzzing.doors import NESTED, NUMBER, YAML, Door


def settings_doors(base: Any, folder: Path) -> Iterator[Door]:
    """What a person writes in YAML, TOML, tables and lists."""
    from encoder.audit.confounders.known_correlates import read_correlates
    from encoder.audit.report.card import read_card
    from encoder.audit.report.limits import read_limits
    from encoder.evaluation.reader_tables import read_readings
    from encoder.prediction.concept_list import read_concept_list
    from encoder.prediction.concept_review import read_review
    from encoder.prediction.prompts import read_prompts
    from encoder.training.config import read_config, shipped_configs
    from ingest.datasets.validation import read_yaml
    from kb.curation.terminology import read_terminology
    from kb.language.labels.label_table import read_label_names
    from kb.language.names.other_names import load_other_names
    from kb.sql.own_tables import read_own_tables
    from kb.vocabulary.agreement import compare_observations, read_observations

    def door(name: str, files: Mapping[str, bytes], read: Callable[[Path], Any], crafted: Mapping[str, bytes]) -> Door:
        def take(path: Path) -> None:
            read(path)

        return Door(name, files, take, crafted)

    root = Path(__file__).resolve().parents[3]
    configs = {f"{name}.yaml": (root / "encoder/configs" / f"{name}.yaml").read_bytes() for name in shipped_configs()}
    small = {
        "a.yaml": b"backbone: {model_type: dinov2, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2}\n"
        b"size: 32\n"
        b"freeze: [text]\nmean: [1, 2, 3]\naugment: {rotate: 3}\nviews: PA,AP\nwhere: \"sex = 'F'\"\n"
    }
    yield door("training", {**configs, **small}, read_config, YAML)
    prompts = (
        b"prompts: {present: ['{x}'], absent: 'no {x}'}\nlabels: {Edema: {present: [oedema], absent: [no oedema]}}\n"
    )
    yield door("prompts", {"p.yaml": prompts}, read_prompts, YAML)
    yield door("card", {"c.yaml": b"name: x\nversion: 1\nlimits: [a, b]\n"}, read_card, YAML)
    limits = b"auroc: {warn: 0.9, fail: 0.85}\nconfounders: {warn: 0}\nby: interval\n"
    limits += b"labels: {Edema: {f1: {warn: 0.5, fail: 0.4}}}\n"
    yield door("limits", {"l.yaml": limits}, read_limits, YAML)
    described = {path.name: path.read_bytes() for path in sorted((root / "schemas/datasets").glob("*.yaml"))}
    yield door("data set", described, read_yaml, YAML)
    gold = [
        {
            "report_id": "r1",
            "observations": [
                {
                    "section": "findings",
                    "text": "effusion",
                    "spans": [[0, 8]],
                    "assertion": "present",
                    "finding": "effusion",
                }
            ],
        }
    ]
    gold += [
        {"report_id": "r2", "section": "findings", "text": "edema", "spans": [[3, 8], [9, 11]], "assertion": "absent"}
    ]
    (folder / "gold.jsonl").write_bytes(seeds.jsonl(gold))

    def compared(path: Path) -> None:
        compare_observations(read_observations(None, path), read_observations(None, folder / "gold.jsonl"))

    bad = {
        "latin.jsonl": b'{"report_id": "caf\xe9"}\n',
        "deep.jsonl": NESTED,
        "digits.jsonl": NUMBER,
        "zero.jsonl": b"\0",
    }
    yield door("gold", {"gold.jsonl": seeds.jsonl(gold)}, compared, bad)
    readers = seeds.table(
        [{"image_id": f"im{n}.png", "label": "Edema", "reader": "A", "value": n % 2} for n in range(3)]
    )
    wide = seeds.parquet({"image_id": ["a", "b"], "Edema": [0, 1]})
    yield door(
        "readers",
        {"r.csv": readers, "r.parquet": wide},
        lambda path: read_readings(path, ["Edema"]),
        {"x.csv": b"\xff\xfe\x00"},
    )
    yield door(
        "concept list",
        {"c.txt": b"left pleural effusion\ncardiomegaly\n"},
        lambda path: read_concept_list(base, path),
        {"x.txt": b"\xff"},
    )
    review = b"label,concept_id,concept,status,merge_into,note\nEdema,,cardiomegaly,forbidden,,x\n"
    review += b",,left pleural effusion,proposed,,\n"
    yield door("review", {"r.csv": review}, lambda path: read_review(base, path), {"x.csv": b"\xff"})
    terms = b"id,label,synonyms,parent\nX:1,effusion,water|fluid,X:2\nX:2,finding,,\n"
    yield door(
        "terminology",
        {"t.csv": terms},
        read_terminology,
        {"loop.csv": terms + b"X:3,a,,X:4\nX:4,b,,X:3\n", "x.csv": b"\0\1"},
    )
    yield door(
        "label names",
        {"l.tsv": b"label\tnames\tfindings\nEdema\toedema\tedema\n"},
        read_label_names,
        {"x.tsv": b"\xff"},
    )
    yield door(
        "other names",
        {"n.tsv": b"effusion\tlay\twater on the lung\n"},
        lambda path: load_other_names.__wrapped__(path),
        {"x.tsv": b"\xff"},
    )
    yield door(
        "correlates",
        {"k.tsv": b"label\tkind\tfindings\nEdema\tsign\tpleural effusion\n"},
        read_correlates,
        {"x.tsv": b"\xff"},
    )
    own = {
        "o.csv": seeds.table(seeds.LABELLED),
        "o.jsonl": seeds.jsonl(seeds.LABELLED),
        "o.parquet": seeds.LABELS["wide.parquet"],
    }
    yield door(
        "own table",
        own,
        lambda path: read_own_tables({"mine": path}),
        {"deep.jsonl": NESTED, "x.csv": b"\xff,\xfe\n1,2\n"},
    )
