"""The public doors that outside data comes in by, each as a name, sound inputs, and what is called with a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.support.fuzzing import seeds
from tests.support.fuzzing.mutations import as_json, mutated_bytes, mutated_table, mutated_value

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
        folder = Path(base.uri).resolve().parent
        listed = list(list_images([folder], path))
        outside = [one for one in listed if not one.fault and not one.path.resolve().is_relative_to(folder)]
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
