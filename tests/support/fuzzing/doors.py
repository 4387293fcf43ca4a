"""The public doors that outside data comes in by, each as a name, sound inputs, and what is called with a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tests.support.fuzzing import seeds
from tests.support.fuzzing.mutations import TOKENS, as_json, mutated_bytes, mutated_table, mutated_value

REJECTED = "rejected"
"""What a door says of a file of which a part, or all, was put aside with its reason."""

TEXT_TABLES = (".csv", ".tsv", ".txt", ".hl7")


@dataclass(frozen=True)
class Door:
    """One door: sound files by their names, what is called, and crafted files that are tried first."""

    name: str
    files: Mapping[str, bytes]
    take: Callable[[Path], str | None]
    crafted: Mapping[str, bytes] = field(default_factory=dict)

    def case(self, draw: Random, number: int) -> tuple[str, bytes]:
        """The name and the bytes of one hostile file."""
        if number < len(self.crafted):
            return list(self.crafted.items())[number]
        name = draw.choice(list(self.files))
        return name, hostile(draw, name, self.files[name])


def hostile(draw: Random, name: str, data: bytes) -> bytes:
    """A sound file made hostile, half of the time in its structure."""
    if draw.random() < 0.4:
        return mutated_bytes(draw, data)
    suffix = Path(name).suffix
    if suffix == ".json":
        return as_json(mutated_value(draw, json.loads(data)))
    if suffix in (".jsonl", ".ndjson"):
        lines = data.splitlines()
        at = draw.randrange(len(lines))
        lines[at] = as_json(mutated_value(draw, json.loads(lines[at])))
        return b"\n".join(lines) + b"\n"
    if suffix in TEXT_TABLES:
        return mutated_table(draw, data, b"\t" if suffix == ".tsv" else b"|" if suffix == ".hl7" else b",")
    if suffix in (".yaml", ".yml") and draw.random() < 0.7:
        import yaml

        return as_json(mutated_value(draw, yaml.safe_load(data)))  # JSON is YAML
    return mutated_bytes(draw, data)


NESTED = b"[" * 100_000
NUMBER = b"9" * 5_000
LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (at, at, b",".join([b"*%c" % (at - 1)] * 9)) for at in range(ord("b"), ord("k"))
)
YAML = {
    "deep.yaml": NESTED,
    "deeper.yaml": b"".join(b" " * at + b"a:\n" for at in range(2_000)),
    "digits.yaml": b"labels: " + NUMBER + b"\n",
    "laughs.yaml": LAUGHS,
    "tag.yaml": b"labels: !!python/object/apply:os.system ['touch ran']\n",
    "latin.yaml": b"labels: {caf\xe9: 1}\n",
    "twice.yaml": b"labels: 1\nlabels: 2\n",
    "merge.yaml": b"a: &a {x: 1}\nlabels: {<<: [*a, 5]}\n",
    "date.yaml": b"labels: 2001-99-99\n",
    "keys.yaml": b"? [a, b]\n: 1\n",
}


def pickled() -> bytes:
    """A file of torch that would make a file called `ran` where it is unpickled."""
    import io
    import os

    import torch

    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, ("touch ran",)

    out = io.BytesIO()
    torch.save({"x": Runs()}, out)
    return out.getvalue()


def rejecting(count: int) -> str | None:
    """What a door says where so many rows were put aside."""
    return REJECTED if count else None


def source_door() -> Door:
    """Reports, mined as a preview: sources of every format."""
    from ingest.report import Reject
    from ingest.reports.preview import preview

    def take(path: Path) -> str | None:
        found = list(preview([path], count=12))
        return rejecting(sum(isinstance(one.report, Reject) for one in found))

    crafted = {
        f"{name}.xml": b'<?xml version="1.0" encoding="%s"?><a/>' % name.encode()
        for name in ("nonsense", "hex", "rot13", "ut0-8", "utf-7", "idna", "base64", "zlib", "undefined", "utf-32")
    }
    crafted |= {
        "deep.xml": b"<a>" * 200_000,
        "laughs.xml": b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><a>&b;</a>',
        "deep.json": NESTED,
        "deep.jsonl": NESTED + b"\n" + b'{"a":' * 100_000,
        "digits.jsonl": b'{"report_id": ' + NUMBER + b', "text": "Effusion."}\n',
        "digits.json": b'[{"report_id": ' + NUMBER + b', "text": "Effusion."}]\n',
        "half.jsonl": b'{"report_id": "\\ud800", "text": "\\udfff Effusion."}\n',
        "deep_bundle.json": b'{"resourceType": "Bundle", "entry": ' + NESTED,
        "huge.json": b'[{"report_id": 1e999, "text": "Effusion.", "age": 1e-999}]',
    }
    return Door("source", seeds.SOURCES, take, crafted)


def kb_in(folder: Path) -> Any:
    """A knowledge base with some concepts, their vectors, and pictures."""
    from tests.support.concepts import add_concepts
    from tests.support.untrained import pictures

    base = pictures(folder / "pictures", 4)
    add_concepts(
        base, ["left pleural effusion", "no pneumothorax", "cardiomegaly", "pneumonia in the right lower lobe"]
    )
    return base


def label_doors(base: Any) -> Iterator[Door]:
    """Tables of labels, of scores, of images, and files of vectors."""
    from ingest.images.image_sources import list_images
    from ingest.labels.labels import ingest_labels
    from ingest.labels.predictions import ingest_predictions
    from ingest.vectors.ingest import ingest_vectors

    def labels(path: Path) -> str | None:
        return rejecting(ingest_labels(base, path, dry_run=True, allow_unjoined=True).rejected)

    def scores(path: Path) -> str | None:
        return rejecting(ingest_predictions(base, path, "run", dry_run=True, allow_unjoined=True).rejected)

    def table(path: Path) -> str | None:
        listed = list(list_images([Path(base.uri).parent], path))
        outside = [one for one in listed if not one.fault and Path(base.uri).parent not in one.path.resolve().parents]
        assert not outside, f"a table named a file outside: {outside[0].path}"
        return rejecting(sum(bool(one.fault) for one in listed))

    def vectors(path: Path) -> str | None:
        ingest_vectors(base, path, "resnet", dry_run=True)
        return None

    deep = {"deep.json": NESTED, "deep.jsonl": NESTED, "digits.jsonl": b'{"image_id": ' + NUMBER + b', "Edema": 1}\n'}
    yield Door("labels", seeds.LABELS, labels, {**deep, "cell.csv": b'image_id,labels\nim1.png,"' + NESTED + b'"\n'})
    yield Door("scores", seeds.SCORES, scores, deep)
    outside = b"image,patient\n../../../../../etc/passwd,p\n/etc/passwd,q\nim0000.png,r\n\\\\host\\x.png,s\n"
    yield Door("image table", seeds.IMAGE_TABLES, table, {"outside.csv": outside, **deep})
    yield Door("vectors", seeds.vectors(), vectors, {"objects.npz": seeds.npz(x=_objects()), "ran.csv": pickled()})


def _objects() -> Any:
    import numpy as np

    return np.array([{"a": 1}, None], dtype=object)


def picture_door() -> Door:
    """Pictures, as a worker decodes them."""
    from ingest.images.decoding import Decoder
    from kb.images.preprocessing import Preprocessing

    decoder = Decoder(Preprocessing(64), frozenset())
    return Door("picture", seeds.PICTURES, lambda path: rejecting(bool(decoder.decode(path).reason)), bombs())


def bombs() -> dict[str, bytes]:
    """Small files of large pictures."""
    import struct
    import zlib

    def png(side: int, depth: int) -> bytes:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        packing = zlib.compressobj(9)
        line = b"\0" + (bytes(range(256)) * (side * depth // 2048 + 1))[: side * depth // 8]
        data = b"".join(packing.compress(line) for _ in range(side)) + packing.flush()
        head = struct.pack(">IIBBBBB", side, side, depth, 0, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")

    import numpy as np

    from tests.support.radiographs import deflated, dicom

    return {
        "9000.png": png(9_000, 16),
        "13000.png": png(13_000, 16),
        "19000.png": png(19_000, 1),
        "8000.dcm": deflated(dicom(np.tile(np.arange(8_000, dtype=np.uint16), (8_000, 1)))),
    }


def vocabulary_doors(base: Any, folder: Path) -> Iterator[Door]:
    """Patches, lines of KGCL, and vocabularies of every format."""
    from kb.curation.diff import read_patch
    from kb.exchange.change_line_reading import apply_change_lines

    ids = base.dataset("concepts").to_table(columns=["concept_id"])["concept_id"].to_pylist()
    first = base.commits.all()[0].commit_id
    patch = base.diff(first).to_patch()
    edits = {ids[0]: {"before": {"note": None, "status": "candidate"}, "after": {"note": "seen", "status": "accepted"}}}
    edits[ids[2]] = {
        "before": {"splits": []},
        "after": {"splits": [{"into": ids[3], "where": [{"field": "laterality", "values": ["left"]}]}]},
    }
    files = {"p.json": json.dumps({**patch, "edits": edits}).encode()}
    new = {of: {"before": None, "after": one["after"]} for of, one in patch["edits"].items()}
    files["new.json"] = json.dumps({**patch, "edits": new}).encode()

    def apply(path: Path) -> str | None:
        base.curate.apply(read_patch(path.read_bytes()), dry_run=True)
        return None

    def lines(path: Path) -> str | None:
        apply_change_lines(base, path.read_bytes().decode(errors="surrogateescape"), dry_run=True)
        return None

    def imported(path: Path) -> str | None:
        return rejecting(base.import_vocabulary(path, dry_run=True).rejected)

    wrong = [
        ("assertion", "maybe"),
        ("laterality", "sideways"),
        ("text", ""),
        ("normal_form", "x"),
        ("status", "bogus"),
    ]
    wrong += [("text", 5), ("splits", None), ("replaced_by", 5), ("note", "\ud800"), ("descriptors", "x")]
    wrong += [("source", None), ("mappings", [5]), ("synonyms", [None]), ("finding", "")]
    crafted = {
        f"{name}-{at}.json": json.dumps({**patch, "edits": {ids[0]: {"before": {}, "after": {name: value}}}}).encode()
        for at, (name, value) in enumerate(wrong)
    }
    crafted |= {"deep.json": NESTED, "list.json": json.dumps({**patch, "edits": []}).encode(), "digits.json": NUMBER}
    yield Door("patch", files, apply, crafted)
    texts = base.dataset("concepts").to_table(columns=["text"])["text"].to_pylist()
    kgcl = f"rename {ids[0]} from '{texts[0]}' to '{texts[0]} seen'\ncreate synonym 'water' for {ids[1]}\nobsolete {ids[2]}\n"
    kgcl += (
        f"create edge {ids[0]} skos:exactMatch RADLEX:RID1\nchange annotation of {ids[0]} with note from '' to 'seen'\n"
    )
    yield Door("change lines", {"a.txt": kgcl.encode()}, lines)
    base.curate.map_to(ids[1], "RADLEX:RID34539", by="tester")
    exported = {}
    for name in ("v.csv", "v.jsonl", "v.parquet", "v.ttl", "v.rdf", "v.nt", "v.sssom.tsv"):
        base.export_vocabulary(folder / name)
        exported[name] = (folder / name).read_bytes()
    entities = b'<!DOCTYPE r [<!ENTITY a "xxxxxxxxxx">' + b"".join(
        b'<!ENTITY %c "%s">' % (at, b"&%c;" % (at - 1) * 10) for at in range(ord("b"), ord("k"))
    )
    crafted = {
        "deep.jsonl": NESTED,
        "digits.jsonl": b'{"text": ' + NUMBER + b"}\n",
        "laughs.rdf": entities + b']><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">&j;</rdf:RDF>',
        "nonsense.rdf": b'<?xml version="1.0" encoding="nonsense"?><a/>',
        "remote.xml": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r/>',
        "deep.ttl": b"@prefix : <x:> . :a :b " + b"(" * 20_000,
        "deep.sssom.tsv": b"#" + b"[" * 20_000 + b"\nsubject_id\tpredicate_id\tobject_id\tmapping_justification\n",
        "laughs.sssom.tsv": b"".join(b"#" + line + b"\n" for line in LAUGHS.splitlines()) + b"subject_id\n",
        "half.jsonl": b'{"text": "\\ud800 effusion"}\n',
        "cut.parquet": exported["v.parquet"][:-20],
    }
    yield Door("vocabulary", exported, imported, crafted)


def bank_door(base: Any, folder: Path) -> Door:
    """The published bank: its tensor, beside a sound table, and its table, beside a sound tensor."""
    import torch

    texts = b"concept_idx,concept\n0,left pleural effusion\n1,cardiomegaly\n2,nodule\n"
    torch.save(torch.randn(3, 8), folder / "bank.pt")
    (folder / "bank.csv").write_bytes(texts)

    def take(path: Path) -> str | None:
        pair = (path, folder / "bank.pt") if path.suffix == ".csv" else (folder / "bank.csv", path)
        return rejecting(base.import_clear(*pair, embedder="x", dry_run=True).rejected)

    files = {"bank.csv": texts, "bank.pt": (folder / "bank.pt").read_bytes()}
    return Door("bank", files, take, {"ran.pt": pickled(), "long.csv": texts + NUMBER + b",x\n"})


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
        "a.yaml": b"backbone: {model_type: dinov2, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2}\nsize: 32\nfreeze: [text]\nmean: [1, 2, 3]\naugment: {rotate: 3}\nviews: PA,AP\nwhere: \"sex = 'F'\"\n"
    }
    yield door("training", {**configs, **small}, read_config, YAML)
    prompts = (
        b"prompts: {present: ['{x}'], absent: 'no {x}'}\nlabels: {Edema: {present: [oedema], absent: [no oedema]}}\n"
    )
    yield door("prompts", {"p.yaml": prompts}, read_prompts, YAML)
    yield door("card", {"c.yaml": b"name: x\nversion: 1\nlimits: [a, b]\n"}, read_card, YAML)
    limits = b"auroc: {warn: 0.9, fail: 0.85}\nconfounders: {warn: 0}\nby: interval\nlabels: {Edema: {f1: {warn: 0.5, fail: 0.4}}}\n"
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
    review = b"label,concept_id,concept,status,merge_into,note\nEdema,,cardiomegaly,forbidden,,x\n,,left pleural effusion,proposed,,\n"
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


def checkpoint_doors(folder: Path) -> Iterator[Door]:
    """Checkpoints whose description was edited, and files of weights."""
    import io
    import shutil

    import torch

    from encoder.model.checkpoint import load_checkpoint
    from encoder.model.state_dict import read_state_dict, read_weights
    from encoder.training.start import values_of_start
    from tests.support.untrained import untrained

    sound = untrained(folder / "sound").folder

    def load(path: Path) -> None:
        place = folder / "edited"
        shutil.copytree(sound, place, dirs_exist_ok=True)
        shutil.copyfile(path, place / "encoder.json")
        checkpoint = load_checkpoint(place)
        _ = checkpoint.preprocessing, checkpoint.encoder_id, checkpoint.text_side
        values_of_start(place, "report")

    told = json.loads((sound / "encoder.json").read_text())

    def edited(*way: str, value: Any) -> bytes:
        changed = json.loads(json.dumps(told))
        at = changed
        for key in way[:-1]:
            at = at[key]
        at[way[-1]] = value
        return as_json(changed)

    backbone = ("architecture", "image", "backbone")
    crafted = {
        "size.json": edited("preprocessing", "size", value=None),
        "backbone.json": edited(*backbone, value="x"),
        "channels.json": edited(*backbone, "num_channels", value=10**9),
        "hidden.json": edited(*backbone, "hidden_size", value=10**6),
        "layers.json": edited(*backbone, "num_hidden_layers", value=10**6),
        "image.json": edited(*backbone, "image_size", value=10**6),
        "type.json": edited(*backbone, "model_type", value="no such"),
        "dimension.json": edited("architecture", "image", "dimension", value=10**9),
        "embedding.json": edited("architecture", "text", "embedding", value=10**9),
        "deep.json": NESTED,
        "digits.json": b'{"format": ' + NUMBER + b"}",
    }
    yield Door("checkpoint", {"e.json": (sound / "encoder.json").read_bytes()}, load, crafted)
    out = io.BytesIO()
    torch.save({"state_dict": {"a.weight": torch.randn(3, 4), "a.bias": torch.randn(3)}}, out)

    def weights(path: Path) -> None:
        read_weights(path)
        read_state_dict(path)

    from safetensors.torch import save

    files = {"w.pt": out.getvalue(), "w.safetensors": save({"a": torch.randn(3, 4)})}
    yield Door(
        "weights",
        files,
        weights,
        {"ran.pt": pickled(), "text.pt": b"hello", **{f"t{n}.pt": token for n, token in enumerate(TOKENS[:6])}},
    )


def answer_door() -> Door:
    """Answers of a language model."""
    from ingest.extractors.llm.answer import BadAnswer, read_answer, read_answers

    said = {
        "quote": ["small left effusion"],
        "section": "findings",
        "observation": "left effusion",
        "assertion": "present",
        "certainty": "definite",
        "temporality": "current",
    }

    def take(path: Path) -> str | None:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        try:
            read_answers(text, "stop") if "reports" in text else read_answer(text, "stop")
        except BadAnswer:
            return REJECTED
        return None

    answer = json.dumps({"observations": [said]}).encode()
    several = json.dumps({"reports": [{"report": "1", "observations": [said]}]}).encode()
    return Door(
        "answer",
        {"a.json": answer, "b.json": several},
        take,
        {"deep.json": NESTED, "digits.json": NUMBER, "thought.json": b"<think>" * 9_999},
    )


def all_doors(folder: Path) -> Iterator[Door]:
    """Every door, opened over a small knowledge base in `folder`."""
    made: list[Callable[[], Any]] = [source_door, picture_door, answer_door, partial(checkpoint_doors, folder)]
    base = kb_in(folder)
    made += [partial(label_doors, base), partial(vocabulary_doors, base, folder), partial(bank_door, base, folder)]
    made += [partial(settings_doors, base, folder)]
    for make in made:
        found = make()
        yield from [found] if isinstance(found, Door) else found
