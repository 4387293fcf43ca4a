"""Sound inputs of every kind, small: what hostile ones are made of."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.exports import bundle, fhir_report, hl7_message, hl7_report, ndjson
from tests.support.radiographs import as_uint16, chest, deflated, dicom, encoded, recompressed

FINDINGS = "There is a small left pleural effusion. No pneumothorax. Stable mild cardiomegaly, as seen on 3/4/2019."
IMPRESSION = "1. Left effusion, 2.5 cm. 2. Possible pneumonia in the right lower lobe."
ROWS = [{"report_id": f"r{n}", "patient_id": f"p{n}", "findings": FINDINGS, "impression": IMPRESSION} for n in range(4)]
OPENI = f"""<?xml version="1.0" encoding="utf-8"?>
<eCitation><meta type="rr"/><uId id="CXR1"/><MedlineCitation><Article><Abstract>
<AbstractText Label="FINDINGS">{FINDINGS}</AbstractText><AbstractText Label="IMPRESSION">{IMPRESSION}</AbstractText>
</Abstract></Article></MedlineCitation><parentImage id="CXR1_IM-1"><caption>x</caption></parentImage></eCitation>
""".encode()


def table(rows: list[dict[str, object]], separator: str = ",") -> bytes:
    """Rows as a table of text."""
    lines = [separator.join(rows[0]), *(separator.join(f'"{cell}"' for cell in row.values()) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def jsonl(rows: list[dict[str, object]]) -> bytes:
    """Rows as lines of JSON."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def parquet(columns: Mapping[str, object]) -> bytes:
    """Columns as Parquet."""
    out = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), out)
    return out.getvalue()


def archive(members: Mapping[str, bytes]) -> bytes:
    """Files as a .tgz."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def of_columns(rows: list[dict[str, object]]) -> dict[str, object]:
    """Rows, column by column."""
    return {name: [row[name] for row in rows] for name in rows[0]}


FHIR = [fhir_report(f"f{n}", conclusion=IMPRESSION) for n in range(3)]
HL7 = hl7_message(
    *hl7_report("A1", f"OBX|1|TX|F^FINDINGS||{FINDINGS}||||||F", f"OBX|2|TX|I^IMPRESSION||{IMPRESSION}||||||F")
)
SOURCES = {
    "a.csv": table(ROWS),
    "a.tsv": table(ROWS, "\t"),
    "a.jsonl": jsonl(ROWS),
    "a.json": json.dumps(ROWS).encode(),
    "a.parquet": parquet(of_columns(ROWS)),
    "a.csv.gz": gzip.compress(table(ROWS)),
    "a.jsonl.gz": gzip.compress(jsonl(ROWS)),
    "CXR1.xml": OPENI,
    "a.tgz": archive({"x/CXR1.xml": OPENI, "x/CXR2.xml": OPENI.replace(b"CXR1", b"CXR2")}),
    "a.txt": f"FINDINGS: {FINDINGS}\n\nIMPRESSION: {IMPRESSION}\n".encode(),
    "bundle.json": bundle(FHIR),
    "bulk.ndjson": ndjson(FHIR),
    "one.json": json.dumps(FHIR[0]).encode(),
    "a.hl7": HL7.encode(),
    "redcap.csv": table(
        [{"record_id": "1", "redcap_event_name": "e", "redcap_repeat_instrument": "", "report": FINDINGS}]
    ),
}

LABELLED = [
    {"image_id": f"im{n}.png", "patient_id": f"p{n}", "Edema": n % 2, "Pneumonia": -1 if n == 2 else 1}
    for n in range(5)
]
LONG = [{"image_id": f"im{n}.png", "label": label, "value": n % 2} for n in range(3) for label in ("Edema", "Effusion")]
LISTED = [{"image_id": f"im{n}.png", "labels": "['Edema', 'Effusion']"} for n in range(3)]
SCORED = [{"image_id": f"im{n}.png", "Edema": n / 7, "Pneumonia": 0.5} for n in range(5)]
LABELS = {
    "wide.csv": table(LABELLED),
    "wide.tsv": table(LABELLED, "\t"),
    "wide.jsonl": jsonl(LABELLED),
    "wide.json": json.dumps(LABELLED).encode(),
    "wide.parquet": parquet(of_columns(LABELLED)),
    "long.csv": table(LONG),
    "lists.csv": table(LISTED),
    "boxes.jsonl": jsonl([{"image_id": "im1.png", "labels": [{"label": "Edema", "bbox": [1, 2, 3, 4]}]}]),
}
SCORES = {"scores.csv": table(SCORED), "scores.parquet": parquet(of_columns(SCORED)), "scores.jsonl": jsonl(SCORED)}

GREY = chest(64, 80)
PICTURES = {
    "a.png": encoded(GREY, "PNG"),
    "wide.png": encoded(as_uint16(GREY), "PNG"),
    "a.jpg": encoded(GREY, "JPEG"),
    "a.dcm": dicom(GREY),
    "wide.dcm": dicom(as_uint16(GREY)),
    "deflated.dcm": deflated(dicom(GREY)),
    "lossless.dcm": recompressed(dicom(as_uint16(GREY)), "JPEGLosslessProcess14_1"),
    "rle.dcm": recompressed(dicom(GREY), "RLELossless"),
}
IMAGE_TABLE = [
    {"image": f"im{n:04d}.png", "patient": f"p{n}", "view": "PA", "sex": "F", "age": 60 + n} for n in range(4)
]
IMAGE_TABLES = {
    "images.csv": table(IMAGE_TABLE),
    "images.jsonl": jsonl(IMAGE_TABLE),
    "images.parquet": parquet(of_columns(IMAGE_TABLE)),
}


def npy(array: np.ndarray) -> bytes:
    """An array as .npy."""
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    """Arrays as .npz."""
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def vectors() -> dict[str, bytes]:
    """Files of image vectors, of pictures `im0000.png` to `im0003.png`."""
    from safetensors.numpy import save

    ids = [f"im{n:04d}.png" for n in range(4)]
    matrix = np.arange(12, dtype=np.float32).reshape(4, 3) + 1
    rows = [{"image_id": of, "v0": float(row[0]), "v1": float(row[1])} for of, row in zip(ids, matrix, strict=True)]
    return {
        "v.csv": table(rows),
        "v.parquet": parquet({"image_id": ids, "vector": matrix.tolist()}),
        "v.npz": npz(image_id=np.array(ids), vectors=matrix),
        "v.safetensors": save(dict(zip(ids, matrix, strict=True))),
    }
