"""Hashed ids: no byte of a knowledge base holds a plain one, all that joined still joins, and kinds are never mixed."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import ingest
from ingest.datasets.take import DatasetOptions, ingest_dataset
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.privacy.id_key import IdKey, make_key, read_key
from kb.privacy.same_ids import require_same_ids
from tests.support.data_sets import chexpert, mimic_cxr, open_i
from tests.support.radiographs import chest, encoded

Cli = Callable[..., subprocess.CompletedProcess[str]]
KEY = IdKey(b"k" * 40)
IDS = ("image_id", "study_id", "patient_id", "report_id")
TABLES = ("reports", "images", "labels", "readings", "predictions", "attributes", "image_vectors")


def rows_of(kb: KnowledgeBase, key: IdKey | None = None) -> dict[str, list[str]]:
    """The ids of every row, hashed with `key`, beside what else a row says."""
    held = {}
    for table in TABLES:
        rows = kb.dataset(table).to_table().to_pylist()
        told = ("view", "age", "label", "score")
        held[table] = sorted(
            repr([row[c] if key is None or row[c] is None else key.hash(row[c]) for c in IDS if c in row])
            + repr([row.get(name) for name in told])
            for row in rows
        )
    return held


def bytes_of(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes() + str(path.relative_to(folder)).encode()


def written(path: Path, rows: list[Mapping[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


PATIENTS = ("QUAGGA-0071", "QUAGGA-0072", "QUAGGA-0073")
SECRET = ("QUAGGA", "ZORBIC", "OKAPI", "TAPIR")
"""What stands in every id (patients, studies, images) and in the names of the files."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a hospital has: reports, pictures in folders, labels by their names alone, scores, vectors; some are odd."""
    folder = tmp_path_factory.mktemp("hospital")
    reports, labels, scores, vectors = [], [], [], []
    for number, patient in enumerate(PATIENTS):
        study, name = f"ZORBIC-55{number}", f"OKAPI-90{number}"
        picture = folder / f"pictures/{patient}/{name}.png"
        picture.parent.mkdir(parents=True)
        picture.write_bytes(encoded(chest(60 + number), "PNG"))
        reports.append(
            {"report_id": f"R-{study}", "study_id": study, "patient_id": patient, "findings": "No effusion."}
        )
        labels.append(
            {
                "image": name,
                "study": study,
                "patient": patient,
                "Edema": number % 2,
                "device": "ACME",
                "StudyUID": study,
            }
        )
        scores.append({"image": f"{patient}/{name}.png", "Edema": number / 4})
        vectors.append({"image": f"{name}.png", "v0": number + 1, "v1": 1})
    reports.append({**reports[0], "findings": "Large effusion."})  # of one id, and another text
    labels.append({**labels[0], "Edema": 1})  # and what contradicts itself
    scores.append({"image": "OKAPI-900.png", "Edema": "TAPIR-1"})
    (folder / "pictures/QUAGGA-0071/TAPIR.png").write_bytes(b"no picture")
    table = [
        {"path": f"{p}/OKAPI-90{n}.png", "study": f"ZORBIC-55{n}", "patient": p, "room": "7", "SourceFile": f"TAPIR{n}"}
        for n, p in enumerate(PATIENTS)
    ]
    table.append({**table[0], "path": "QUAGGA-0071/TAPIR.png"})
    for name, rows in (
        ("reports", reports),
        ("labels", labels),
        ("scores", scores),
        ("vectors", vectors),
        ("table", table),
    ):
        written(folder / f"TAPIR-{name}.csv", rows)  # type: ignore[arg-type]
    return folder


def take_in(cli: Cli, folder: Path, kb: Path, *more: object) -> str:
    """Everything a hospital has, by the real commands; gives all that they print."""
    at = ("--kb", kb, *more)
    commands: list[tuple[object, ...]] = [
        ("reports", folder / "TAPIR-reports.csv", "--no-embed", "--workers", 1),
        ("images", folder / "pictures", "--table", folder / "TAPIR-table.csv", "--size", 32, "--workers", 1),
        ("labels", folder / "TAPIR-labels.csv"),
        ("predictions", folder / "TAPIR-scores.csv", "--run", "theirs", "--labels", "Edema"),
        ("vectors", folder / "TAPIR-vectors.csv", "--encoder", "foreign"),
    ]
    done = [cli("-vv", "ingest", *command, *at, "--format", "json") for command in commands]
    return "".join(one.stdout + one.stderr for one in done)


def test_no_byte_holds_a_plain_id_and_all_that_joined_joins(cli: Cli, sources: Path, tmp_path: Path) -> None:
    cli("make-key", "key")
    take_in(cli, sources, tmp_path / "plain.kb")
    printed = take_in(cli, sources, tmp_path / "hashed.kb", "--hash-ids", "key")
    plain, hashed = (KnowledgeBase.open(tmp_path / f"{name}.kb") for name in ("plain", "hashed"))
    key = read_key(tmp_path / "key")
    assert rows_of(plain, key) == rows_of(hashed), "the same rows, with hashes in the place of ids"
    assert all(len(rows) >= 2 for name, rows in rows_of(hashed).items() if name != "readings")

    secrets = [word.encode() for word in SECRET]
    seen = [word for _, data in bytes_of(tmp_path / "plain.kb") for word in secrets if word in data]
    assert set(seen) == set(secrets), "the search finds what is there"
    for path, data in bytes_of(tmp_path / "hashed.kb"):
        assert not [word for word in secrets if word in data], path
    assert (tmp_path / "key").read_bytes().strip() not in b"".join(data for _, data in bytes_of(tmp_path / "hashed.kb"))

    rejects = hashed.dataset("rejects").to_table().to_pylist()
    assert len(rejects) == len(plain.dataset("rejects").to_table().to_pylist()) >= 4
    told = [line for line in printed.splitlines() if str(sources) not in line]
    assert not [line for line in told for word in SECRET if word in line]
    kept = hashed.dataset("attributes").to_table().to_pylist()
    assert {row["value"] for row in kept if row["name"] == "device"} == {"ACME"}, "what is no id stays as it is"


def test_a_notebook_hashes_ids_as_the_commands_do(sources: Path, tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    bases = [KnowledgeBase.create(tmp_path / f"{name}.kb") for name in ("plain", "hashed")]
    for base, hash_ids in zip(bases, (None, tmp_path / "key"), strict=True):
        ingest.reports(base, [sources / "TAPIR-reports.csv"], embed=False, workers=1, hash_ids=hash_ids)
        table = sources / "TAPIR-table.csv"
        ingest.images(base, [sources / "pictures"], table=table, size=32, workers=1, hash_ids=hash_ids)
        ingest.labels(base, sources / "TAPIR-labels.csv", hash_ids=hash_ids)
        ingest.predictions(base, sources / "TAPIR-scores.csv", "theirs", wanted=["Edema"], hash_ids=hash_ids)
        ingest.vectors(base, sources / "TAPIR-vectors.csv", "foreign", hash_ids=hash_ids)
    plain, hashed = bases
    assert rows_of(plain, read_key(tmp_path / "key")) == rows_of(hashed)
    assert all(len(rows) >= 2 for name, rows in rows_of(hashed).items() if name != "readings")
    with pytest.raises(UsageError, match="hashed, with the key"):
        ingest.labels(hashed, sources / "TAPIR-labels.csv")


@pytest.mark.soak
def test_plain_ids_hashed_ones_and_those_of_another_key_are_never_mixed(
    cli: Cli, sources: Path, tmp_path: Path
) -> None:
    cli("make-key", "key")
    cli("make-key", "other")
    labels = ("ingest", "labels", sources / "TAPIR-labels.csv")
    cli(*labels, "--kb", "hashed.kb", "--hash-ids", "key")
    cli(*labels, "--kb", "plain.kb")
    tag, other = (read_key(tmp_path / name).tag for name in ("key", "other"))
    for command in (
        labels,
        ("ingest", "predictions", sources / "TAPIR-scores.csv", "--run", "theirs", "--labels", "Edema"),
        ("ingest", "images", sources / "pictures"),
        ("ingest", "reports", sources / "TAPIR-reports.csv", "--no-embed"),
        ("ingest", "vectors", sources / "TAPIR-vectors.csv", "--encoder", "foreign"),
    ):
        forgotten = cli(*command, "--kb", "hashed.kb", code=2).stderr
        assert f"hashed, with the key {tag}" in forgotten and "(say --hash-ids KEYFILE)" in forgotten
        assert forgotten.count("\n") == 1
    wrong = cli(*labels, "--kb", "hashed.kb", "--hash-ids", "other", code=2).stderr
    assert f"with the key {tag}, and this is the key {other}" in wrong
    assert "plain" in cli(*labels, "--kb", "plain.kb", "--hash-ids", "key", code=2).stderr
    again = json.loads(cli(*labels, "--kb", "hashed.kb", "--hash-ids", "key", "--format", "json").stdout)
    assert (again["stored"], again["commit"]) == ("unchanged", None)


@pytest.mark.soak
@pytest.mark.parametrize("draw", [mimic_cxr, chexpert, open_i], ids=lambda draw: draw.__name__)
def test_a_known_set_joins_as_it_does_with_plain_ids(tmp_path: Path, draw: Callable[[Path], Any]) -> None:
    drawn = draw(tmp_path / "set")
    made = []
    for name, key in (("plain", None), ("hashed", KEY)):
        kb = KnowledgeBase.create(tmp_path / f"{name}.kb", by="tester")
        options = DatasetOptions(preprocessing=Preprocessing(32), workers=1, key=key)
        made.append((kb, ingest_dataset(kb, drawn.root, None, options)))
    (plain, one), (hashed, other) = made
    assert rows_of(plain, KEY) == rows_of(hashed)
    assert (one.images.with_report, one.images.splits) == (other.images.with_report, other.images.splits)
    assert [label.here for label in one.labels] == [label.here for label in other.labels]


@pytest.mark.soak
def test_a_patient_is_forgotten_by_the_plain_id_and_the_key(cli: Cli, sources: Path, tmp_path: Path) -> None:
    cli("make-key", "key")
    cli("ingest", "reports", sources / "TAPIR-reports.csv", "--no-embed", "--kb", "k.kb", "--hash-ids", "key")
    missed = cli("forget", "--patient", PATIENTS[1], "--kb", "k.kb", "--yes", code=2)
    assert "nothing of a patient" in missed.stderr
    cli("forget", "--patient", PATIENTS[1], "--hash-ids", "key", "--kb", "k.kb", "--yes")
    left = KnowledgeBase.open(tmp_path / "k.kb").dataset("reports").to_table()["patient_id"].to_pylist()
    key = read_key(tmp_path / "key")
    assert sorted(left) == sorted(key.hash(one) for one in (PATIENTS[0], PATIENTS[2]))


def test_an_empty_knowledge_base_takes_either_kind(kb: KnowledgeBase) -> None:
    require_same_ids(kb, KEY, where="here")
    require_same_ids(kb, None, where="here")


def test_what_is_hashed_is_known_from_any_table_that_names_ids(kb: KnowledgeBase, tmp_path: Path) -> None:
    path = written(tmp_path / "r.csv", [{"report_id": KEY.hash("a"), "findings": "No effusion."}])
    ingest.reports(kb, [path], embed=False, workers=1)
    with pytest.raises(UsageError, match="hashed"):
        require_same_ids(KnowledgeBase.open(kb.uri), None, where="here")
