"""Patches, lines of change, vocabularies of every format, and the published bank."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.fuzzing.doors import LAUGHS, NESTED, NUMBER, Door, pickled, rejecting


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
    kgcl = f"rename {ids[0]} from '{texts[0]}' to '{texts[0]} seen'\ncreate synonym 'water' for {ids[1]}\n"
    kgcl += f"obsolete {ids[2]}\n"
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
