"""`ingest vectors`: any model's vectors, in whatever file they came, join the images that they are of."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from encoder.vectors.image_vectors import read_image_vectors
from ingest.vectors.ingest import ingest_vectors
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.stored_rows import image, put, put_run

IDS = [f"views/{n:03}.png" for n in range(12)]
MATRIX = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)

Writer = Callable[[Path], tuple[Path, dict[str, Any]]]


@pytest.fixture
def kb(kb: KnowledgeBase) -> KnowledgeBase:
    """Ten pictures."""
    put(kb, "images", [image(name, patient_id=f"p{n // 2}", study_id=f"s{n}") for n, name in enumerate(IDS[:10])])
    return KnowledgeBase.open(kb.uri)


def stored(kb: KnowledgeBase, encoder: str = "theirs") -> dict[str, list[float]]:
    found = read_image_vectors(KnowledgeBase.open(kb.uri), encoder)
    return dict(zip(found.image_ids, found.matrix.tolist(), strict=True))


EXPECTED = dict(zip(IDS[:10], MATRIX[:10].tolist(), strict=True))


def parquet(path: Path, /, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def lists(folder: Path) -> tuple[Path, dict[str, Any]]:
    return parquet(folder / "v.parquet", image=IDS, embedding=list(MATRIX), note=["x"] * 12), {}


def fixed_lists(folder: Path) -> tuple[Path, dict[str, Any]]:
    kind = pa.list_(pa.float16(), 5)
    half = pa.FixedSizeListArray.from_arrays(pa.array(MATRIX.astype(np.float16).reshape(-1)), 5)
    assert half.type == kind
    return parquet(folder / "v.parquet", path=IDS, vector=half), {}


def columns_a_dimension(folder: Path) -> tuple[Path, dict[str, Any]]:
    dimensions = {f"feat_{n}": MATRIX[:, n].astype(np.float64) for n in (3, 1, 0, 2, 4)}
    return parquet(folder / "v.parquet", image_id=IDS, age=list(range(12)), **dimensions), {}


def csv_of_columns(folder: Path) -> tuple[Path, dict[str, Any]]:
    rows = [",".join(["image", *(f"{n}" for n in range(5))])]
    rows += [",".join([name, *(repr(float(x)) for x in row)]) for name, row in zip(IDS, MATRIX, strict=True)]
    (folder / "v.csv").write_text("\n".join(rows))
    return folder / "v.csv", {}


def csv_of_lists(folder: Path) -> tuple[Path, dict[str, Any]]:
    rows = ["image\tvector", *(f"{name}\t{json.dumps(row.tolist())}" for name, row in zip(IDS, MATRIX, strict=True))]
    (folder / "v.tsv").write_text("\n".join(rows))
    return folder / "v.tsv", {}


def npy_with_lines(folder: Path) -> tuple[Path, dict[str, Any]]:
    np.save(folder / "v.npy", MATRIX)
    (folder / "ids.txt").write_text("\n".join(IDS) + "\n")
    return folder / "v.npy", {"ids": folder / "ids.txt"}


def npy_with_table(folder: Path) -> tuple[Path, dict[str, Any]]:
    np.save(folder / "v.npy", MATRIX.astype(np.float64))
    (folder / "ids.csv").write_text("\n".join(["split,file_name", *(f"test,{name}" for name in IDS)]))
    return folder / "v.npy", {"ids": folder / "ids.csv"}


def npy_with_array(folder: Path) -> tuple[Path, dict[str, Any]]:
    np.save(folder / "v.npy", MATRIX)
    np.save(folder / "ids.npy", np.array(IDS))
    return folder / "v.npy", {"ids": folder / "ids.npy"}


def npz(folder: Path) -> tuple[Path, dict[str, Any]]:
    np.savez_compressed(folder / "v.npz", paths=np.array(IDS), features=MATRIX, labels=np.arange(12))
    return folder / "v.npz", {}


def fortran_npz(folder: Path) -> tuple[Path, dict[str, Any]]:
    np.savez(folder / "v.npz", ids=np.array(IDS), features=np.asfortranarray(MATRIX))
    return folder / "v.npz", {}


def safetensors_of_rows(folder: Path) -> tuple[Path, dict[str, Any]]:
    save_file({"image_embeds": MATRIX}, folder / "v.safetensors")
    (folder / "ids.txt").write_text("\n".join(IDS))
    return folder / "v.safetensors", {"ids": folder / "ids.txt"}


def safetensors_an_image(folder: Path) -> tuple[Path, dict[str, Any]]:
    save_file(dict(zip(IDS, MATRIX, strict=True)), folder / "v.safetensors")
    return folder / "v.safetensors", {}


def hdf5(folder: Path) -> tuple[Path, dict[str, Any]]:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "v.h5", "w") as file:
        file["test/features"], file["test/image_ids"] = MATRIX, IDS
    return folder / "v.h5", {}


WRITERS = [
    lists,
    fixed_lists,
    columns_a_dimension,
    csv_of_columns,
    csv_of_lists,
    npy_with_lines,
    npy_with_table,
    npy_with_array,
    npz,
    fortran_npz,
    safetensors_of_rows,
    safetensors_an_image,
    hdf5,
]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_vectors_are_read_from_every_kind_of_file(kb: KnowledgeBase, tmp_path: Path, write: Writer) -> None:
    path, options = write(tmp_path)
    done = ingest_vectors(kb, path, "theirs", **options)
    assert (done.read, done.images, done.here, done.taken, done.dimension) == (12, 12, 10, 10, 5)
    assert done.elsewhere == tuple(IDS[10:]) and (done.stored, done.rejected) == ("new", 0)
    found = stored(kb)
    assert found.keys() == EXPECTED.keys()
    close = 2e-3 if write is fixed_lists else 1e-7
    assert all(found[name] == pytest.approx(EXPECTED[name], abs=close) for name in found)


def test_a_further_read_of_the_same_file_changes_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    path, _ = lists(tmp_path)
    assert ingest_vectors(kb, path, "theirs").commit is not None
    again = ingest_vectors(kb, path, "theirs")
    assert (again.commit, again.stored, again.new) == (None, "unchanged", 0)
    put(kb, "images", [image(IDS[10])])
    more = ingest_vectors(KnowledgeBase.open(kb.uri), path, "theirs")
    assert (more.stored, more.new, more.taken) == ("more", 1, 11), "an image that came since has its vector now"
    assert len(stored(kb)) == 11


def test_other_values_are_refused_unless_they_are_to_replace(kb: KnowledgeBase, tmp_path: Path) -> None:
    ingest_vectors(kb, lists(tmp_path)[0], "theirs")
    other = parquet(tmp_path / "other.parquet", image=IDS[:3], embedding=list(MATRIX[:3] + 1))
    with pytest.raises(UsageError, match=r"other vectors, of views/000\.png for one, are stored for encoder theirs"):
        ingest_vectors(kb, other, "theirs")
    assert stored(kb) == EXPECTED
    done = ingest_vectors(kb, other, "theirs", replace=True)
    assert (done.stored, done.new) == ("replaced", 3)
    assert stored(kb).keys() == set(IDS[:3]), "a model's vectors are never those of two"
    wide = parquet(tmp_path / "wide.parquet", image=IDS[5:8], embedding=list(np.ones((3, 7), np.float32)))
    with pytest.raises(UsageError, match="vectors of another number of dimensions"):
        ingest_vectors(kb, wide, "theirs")
    assert ingest_vectors(kb, wide, "another").dimension == 7


def test_ids_pass_through_the_one_identity(kb: KnowledgeBase, tmp_path: Path) -> None:
    spelt = [f"/data/set/views/{n:03}.jpg" for n in range(10)]
    done = ingest_vectors(kb, parquet(tmp_path / "v.parquet", image=spelt, embedding=list(MATRIX[:10])), "theirs")
    assert stored(kb) == EXPECTED and sum(done.resolved.values()) == 10


def test_images_that_only_tables_speak_of_have_vectors_too(kb: KnowledgeBase, tmp_path: Path) -> None:
    put_run(kb, "run", [{"image_id": name, "study_id": "s9", "label": "edema", "score": 0.5} for name in IDS[10:]])
    kb = KnowledgeBase.open(kb.uri)
    assert ingest_vectors(kb, lists(tmp_path)[0], "theirs").taken == 12
    found = read_image_vectors(KnowledgeBase.open(kb.uri), "theirs")
    assert found.image_ids == IDS and found.studies[8:] == ["s8", "s9", "s9", "s9"]
    assert found.patients[10:] == ["p4", "p4"], "the study tells the patient"


def test_a_vector_of_a_picture_that_was_replaced_is_none(kb: KnowledgeBase, tmp_path: Path) -> None:
    path, _ = lists(tmp_path)
    ingest_vectors(kb, path, "theirs")

    def change(publication: Any) -> tuple[dict[str, Any], None]:
        publication.delete("images", f"image_id = '{IDS[0]}'")
        row = image(IDS[0]) | {"content_hash": "another"}
        schema = publication.dataset("images").schema
        publication.write("images", [pa.RecordBatch.from_pylist([row], schema=schema)])
        return {}, None

    kb.publish("test", change)
    assert read_image_vectors(KnowledgeBase.open(kb.uri), "theirs").stale == 1
    assert ingest_vectors(KnowledgeBase.open(kb.uri), path, "theirs").new == 1, "told again, it is of the new picture"
    assert stored(kb).keys() == EXPECTED.keys()


def test_what_cannot_be_a_vector_is_rejected_with_its_place(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows: list[Any] = [row.tolist() for row in MATRIX[:10]]
    rows[1], rows[2], rows[3], rows[4] = [0.0] * 5, [1.0, float("nan"), 0, 0, 0], [1.0, 2.0], None
    ids: list[Any] = list(IDS[:10])
    ids[5], ids[7] = None, ids[6]
    done = ingest_vectors(kb, parquet(tmp_path / "v.parquet", image=ids, embedding=rows), "theirs")
    assert (done.taken, done.rejected) == (3, 7)
    told = KnowledgeBase.open(kb.uri).dataset("rejects").to_table().to_pylist()
    reasons = {row["position"]: row["reason"] for row in told}
    assert reasons["row 2"] == "its vector is all 0"
    assert reasons["row 3"] == "its vector holds NaN, infinity or a blank"
    assert reasons["row 4"] == "its vector has 2 numbers, most have 5"
    assert reasons["row 5"] == "it has no vector" and reasons["row 6"] == "it names no image"
    assert "another row has another vector" in reasons["row 7"] and "row 8" in reasons
    assert {row["source"] for row in told} == {"v.parquet (vectors of theirs)"}


def test_the_same_row_twice_is_one(kb: KnowledgeBase, tmp_path: Path) -> None:
    twice = parquet(tmp_path / "v.parquet", image=[*IDS[:10], IDS[0]], embedding=[*MATRIX[:10], MATRIX[0]])
    done = ingest_vectors(kb, twice, "theirs")
    assert (done.taken, done.repeated, done.rejected) == (10, 1, 0)


PATCHES = np.random.default_rng(1).standard_normal((10, 4, 5)).astype(np.float32)


def rows_of_patches(folder: Path) -> tuple[Path, dict[str, Any]]:
    ids = [name for name in IDS[:10] for _ in range(4)]
    return parquet(folder / "p.parquet", image=ids, patch=[0, 1, 2, 3] * 10, vector=list(PATCHES.reshape(-1, 5))), {}


def blocks_of_patches(folder: Path) -> tuple[Path, dict[str, Any]]:
    np.savez(folder / "p.npz", ids=np.array(IDS[:10]), patches=PATCHES)
    return folder / "p.npz", {}


def tensors_of_patches(folder: Path) -> tuple[Path, dict[str, Any]]:
    save_file(dict(zip(IDS, PATCHES, strict=False)), folder / "p.safetensors")
    return folder / "p.safetensors", {}


@pytest.mark.parametrize("write", [rows_of_patches, blocks_of_patches, tensors_of_patches])
def test_patches_become_the_mean_of_an_image_where_that_is_said(
    kb: KnowledgeBase, tmp_path: Path, write: Writer
) -> None:
    path, options = write(tmp_path)
    with pytest.raises(UsageError) as refused:
        ingest_vectors(kb, path, "theirs", **options)
    assert refused.value.parameter == "patches"
    done = ingest_vectors(kb, path, "theirs", patches=True, **options)
    assert (done.read, done.taken) == (10, 10)
    found = stored(kb)
    assert all(found[name] == pytest.approx(PATCHES[n].mean(axis=0), abs=1e-6) for n, name in enumerate(IDS[:10]))


def test_patches_that_lie_apart_are_refused(kb: KnowledgeBase, tmp_path: Path) -> None:
    apart = parquet(tmp_path / "p.parquet", image=[IDS[0], IDS[1], IDS[0]], vector=list(MATRIX[:3]))
    with pytest.raises(UsageError, match=r"stand in row 1 and, others between, in row 3: sort the file by image"):
        ingest_vectors(kb, apart, "theirs", patches=True)


def test_vectors_are_kept_as_they_come_or_brought_to_one(kb: KnowledgeBase, tmp_path: Path) -> None:
    path, _ = lists(tmp_path)
    done = ingest_vectors(kb, path, "unit", normalise=True)
    lengths = np.linalg.norm(MATRIX[:10], axis=1)
    assert (done.shortest, done.longest) == pytest.approx((lengths.min(), lengths.max()), rel=1e-6)
    assert np.linalg.norm(list(stored(kb, "unit").values()), axis=1) == pytest.approx(np.ones(10), abs=1e-6)


def refusals() -> Iterator[tuple[str, Callable[[Path], tuple[Path, dict[str, Any]]], str]]:
    def pickled(folder: Path) -> tuple[Path, dict[str, Any]]:
        np.save(folder / "v.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
        return folder / "v.npy", {}

    def pickled_ids(folder: Path) -> tuple[Path, dict[str, Any]]:
        np.save(folder / "v.npy", MATRIX)
        np.save(folder / "ids.npy", np.array(IDS, dtype=object), allow_pickle=True)
        return folder / "v.npy", {"ids": folder / "ids.npy"}

    def without_ids(folder: Path) -> tuple[Path, dict[str, Any]]:
        np.save(folder / "v.npy", MATRIX)
        return folder / "v.npy", {}

    def too_few_ids(folder: Path) -> tuple[Path, dict[str, Any]]:
        path, options = npy_with_lines(folder)
        options["ids"].write_text("\n".join(IDS[:7]))
        return path, options

    def torch_file(folder: Path) -> tuple[Path, dict[str, Any]]:
        (folder / "v.pt").write_bytes(b"PK")
        return folder / "v.pt", {}

    def strangers(folder: Path) -> tuple[Path, dict[str, Any]]:
        return parquet(folder / "v.parquet", image=["a", "b", "c"], embedding=list(MATRIX[:3])), {}

    def studies(folder: Path) -> tuple[Path, dict[str, Any]]:
        return parquet(folder / "v.parquet", image=["s1", "s2"], embedding=list(MATRIX[:2])), {}

    def two_columns(folder: Path) -> tuple[Path, dict[str, Any]]:
        return parquet(folder / "v.parquet", image=IDS, first=list(MATRIX), second=list(MATRIX)), {}

    def no_images(folder: Path) -> tuple[Path, dict[str, Any]]:
        return parquet(folder / "v.parquet", name_of_it=IDS, vector=list(MATRIX)), {}

    def no_such_column(folder: Path) -> tuple[Path, dict[str, Any]]:
        return lists(folder)[0], {"columns": {"vector": "emb"}}

    def nothing(folder: Path) -> tuple[Path, dict[str, Any]]:
        return folder / "none.parquet", {}

    def broken(folder: Path) -> tuple[Path, dict[str, Any]]:
        (folder / "v.safetensors").write_bytes(b"12345")
        return folder / "v.safetensors", {}

    def cut_short(folder: Path) -> tuple[Path, dict[str, Any]]:
        np.save(folder / "v.npy", MATRIX)
        (folder / "v.npy").write_bytes((folder / "v.npy").read_bytes()[:-8])
        return folder / "v.npy", {}

    yield "Python objects, which are not read", pickled, "v.npy"
    yield "Python objects, which are not read", pickled_ids, "ids.npy"
    yield "does not say whose its 12 vectors are", without_ids, "v.npy"
    yield "holds 12 vectors, and .*ids.txt 7 ids", too_few_ids, "v.npy"
    yield "may run code: save the vectors as safetensors", torch_file, "v.pt"
    yield "none of the 3 images of these vectors is here: vectors say image a, images .* say", strangers, ""
    yield "s1 is a study, and a vector is of one image", studies, ""
    yield r"several columns of vectors \(first, second\)", two_columns, ""
    yield r"no column of images \(name_of_it, vector\)", no_images, ""
    yield "no column 'emb', but image, embedding", no_such_column, ""
    yield "there is no file", nothing, ""
    yield "cannot be read", broken, "v.safetensors"
    yield "cannot be read", cut_short, "v.npy"


@pytest.mark.parametrize(
    ("message", "write", "named"), list(refusals()), ids=lambda one: getattr(one, "__name__", None)
)
def test_what_is_wrong_is_said_in_a_line(
    kb: KnowledgeBase, tmp_path: Path, message: str, write: Writer, named: str
) -> None:
    path, options = write(tmp_path)
    with pytest.raises(ClearKbError, match=message) as refused:
        ingest_vectors(kb, path, "theirs", **options)
    assert named in str(refused.value) and "\n" not in str(refused.value)


def test_where_nothing_is_stored_nothing_joins(tmp_path: Path) -> None:
    empty = KnowledgeBase.create(tmp_path / "empty.kb", by="tester")
    with pytest.raises(UsageError, match="no image that vectors could be of"):
        ingest_vectors(empty, lists(tmp_path)[0], "theirs")


def test_where_tables_speak_of_studies_alone_that_is_said(tmp_path: Path) -> None:
    studies = KnowledgeBase.create(tmp_path / "studies.kb", by="tester")
    put_run(studies, "run", [{"study_id": name, "label": "edema", "score": 0.5} for name in IDS])
    with pytest.raises(UsageError, match="are of studies, and a vector is of one image"):
        ingest_vectors(KnowledgeBase.open(studies.uri), lists(tmp_path)[0], "theirs")


def test_on_the_command_line(
    kb: KnowledgeBase, tmp_path: Path, cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    path, _ = lists(tmp_path)
    asked = ("ingest", "vectors", path, "--encoder", "theirs", "--kb", kb.uri)
    dry = cli(*asked, "--dry-run")
    assert "a dry run writes nothing" in dry.stdout and len(KnowledgeBase.open(kb.uri).log()) == len(kb.log())
    told = json.loads(cli(*asked, "--format", "json").stdout)
    assert (told["encoder"], told["here"], told["taken"], told["columns_not_used"]) == ("theirs", 10, 10, ["note"])
    shown = cli(*asked).stdout
    assert "10 of the 12 that it names are here" in shown and "unchanged: 0 of 10 vectors are new" in shown
    assert "10 images by theirs" in cli("status", "--kb", kb.uri).stdout
    np.save(tmp_path / "v.npy", MATRIX)
    refused = cli("ingest", "vectors", tmp_path / "v.npy", "--encoder", "x", "--kb", kb.uri, code=2)
    assert "(say --ids FILE)" in refused.stderr and refused.stderr.count("\n") == 1
    zeros = parquet(tmp_path / "zero.parquet", image=IDS[:2], vector=[[0.0, 0.0]] * 2)
    assert "rejected" in cli("ingest", "vectors", zeros, "--encoder", "zero", "--kb", kb.uri, code=1).stdout
