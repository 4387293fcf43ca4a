"""Exchange: a vocabulary that goes out comes back as it was, in every format; what cannot be taken is listed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.curation.diff import diff_vocabularies
from kb.errors import UsageError
from kb.exchange.formats import ExportOptions, export_vocabulary, import_vocabulary
from kb.exchange.prefixes import Prefixes
from kb.exchange.tabular import read_csv, write_csv
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.vectors.embedding import load_embedder
from kb.vocabulary.embed_concepts import embed_concepts
from kb.vocabulary.mapping_details import by_name
from tests.support.concepts import add_concepts
from tests.support.copies import copy_of
from tests.support.curated import ACTS
from tests.support.curated import TEXTS as CURATED
from tests.support.examples import examples

TEXTS = ("pleural effusion", "puddle of pleural fluid", "left nodule", "right nodule", "no mass", "old tube")
EFFUSION, FLUID, LEFT, RIGHT, NO_MASS, TUBE = (read_query(text).concept_id for text in TEXTS)
FILES = ("x.csv", "x.jsonl", "x.parquet", "x.ttl", "x.nt", "x.rdf")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """A vocabulary in which every field of a concept says something, odd letters among them."""
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("made") / "curated.kb", by="tester")
    add_concepts(kb, TEXTS)
    curate = kb.curate
    curate.merge(FLUID, into=EFFUSION, by="ada")
    curate.add_synonyms(EFFUSION, 'fluid | "pleural"', "a \\ backslash, a comma", "Flüssigkeit", "zz first")
    curate.accept(EFFUSION)
    curate.set_note(LEFT, "two lines\nof 'note'")
    curate.set_facet(LEFT, "descriptors", "b, a | c")
    curate.reject(NO_MASS)
    curate.retire(TUBE)
    curate.keep_apart(LEFT, RIGHT)
    curate.map_to(EFFUSION, "RADLEX:RID34539", label="pleural effusion", by="tester")
    curate.map_to(EFFUSION, "SNOMEDCT:60046008", "skos:closeMatch")
    return kb


@pytest.fixture
def curated(made: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    return copy_of(made, tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.create(tmp_path / "other.kb")


def assert_same(one: KnowledgeBase, other: KnowledgeBase) -> None:
    assert [d.to_dict() for d in diff_vocabularies(one, other).differences] == []


class TestRoundTrips:
    @pytest.mark.parametrize("name", FILES)
    def test_what_goes_out_comes_back(self, curated, other, tmp_path: Path, name: str) -> None:
        assert export_vocabulary(curated, tmp_path / name) == len(TEXTS)
        result = import_vocabulary(other, tmp_path / name)
        assert (result.read, result.added, result.rejected, result.unused) == (len(TEXTS), len(TEXTS), 0, ())
        assert_same(curated, other)

    @pytest.mark.parametrize("name", FILES)
    def test_what_a_curator_took_away_stays_away_though_the_text_says_it(
        self, kb: KnowledgeBase, other: KnowledgeBase, tmp_path: Path, name: str
    ) -> None:
        add_concepts(kb, ["small left consolidation"])
        (concept,) = kb.vocabulary.list()
        kb.curate.set_facet(concept["concept_id"], "severity", None)
        export_vocabulary(kb, tmp_path / name)
        import_vocabulary(other, tmp_path / name)
        assert_same(kb, other)
        assert other.vocabulary.get(concept["concept_id"]).severity is None

    @pytest.mark.parametrize("name", FILES)
    def test_the_same_file_again_changes_nothing(self, curated, tmp_path: Path, name: str) -> None:
        export_vocabulary(curated, tmp_path / name)
        result = import_vocabulary(curated, tmp_path / name)
        assert (result.added, result.edited, result.unchanged, result.commit) == (0, 0, len(TEXTS), None)

    @pytest.mark.parametrize("name", FILES)
    def test_an_empty_vocabulary_too(self, kb, other, tmp_path: Path, name: str) -> None:
        assert export_vocabulary(kb, tmp_path / name) == 0
        assert import_vocabulary(other, tmp_path / name).read == 0

    def test_mappings_as_sssom(self, curated, other, tmp_path: Path) -> None:
        export_vocabulary(curated, tmp_path / "x.csv")
        import_vocabulary(other, tmp_path / "x.csv")
        other.curate.unmap(EFFUSION, "RADLEX:RID34539")
        other.curate.unmap(EFFUSION, "SNOMEDCT:60046008")
        assert export_vocabulary(curated, tmp_path / "x.sssom.tsv") == 2
        result = import_vocabulary(other, tmp_path / "x.sssom.tsv")
        assert (result.read, result.edited, result.rejected) == (2, 1, 0)
        assert_same(curated, other)

    def test_parquet_carries_the_vectors(self, curated, other, tmp_path: Path, tiny_model: Path) -> None:
        embedder = load_embedder(str(tiny_model))
        embed_concepts(curated, embedder)
        export_vocabulary(curated, tmp_path / "x.parquet", options=ExportOptions(vectors=True))
        result = import_vocabulary(other, tmp_path / "x.parquet")
        assert (result.embedded, other.embedder) == (len(TEXTS), embedder.info)
        vectors = [
            kb.dataset("concepts").to_table(columns=["concept_id", "embedding"]).sort_by("concept_id")["embedding"]
            for kb in (curated, other)
        ]
        for one, back in zip(vectors[0].to_pylist(), vectors[1].to_pylist(), strict=True):
            assert one == pytest.approx(back, abs=1e-6)

    TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(
        lambda text: " ".join(text.split())
    )

    @settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(names=st.lists(TEXT.filter(bool), max_size=5))
    def test_any_names_survive_a_csv_cell(self, tmp_path: Path, names: list[str]) -> None:
        path = tmp_path / "cell.csv"
        write_csv([{"concept_id": "C1", "synonyms": names}], path)
        assert next(read_csv(path))["synonyms"] == names


@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(range(len(ACTS))), max_size=6), name=st.sampled_from(FILES))
def test_whatever_was_curated_goes_out_and_comes_back(tmp_path_factory, order: list[int], name: str) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    kb = KnowledgeBase.create(folder / "a.kb", by="tester")
    add_concepts(kb, CURATED)
    for number in order:
        try:
            ACTS[number](kb.curate)
        except UsageError:
            continue  # refused on this state, and so nothing was written
    back = KnowledgeBase.create(folder / "b.kb")
    kb.export_vocabulary(folder / name)
    back.import_vocabulary(folder / name)
    assert_same(kb, back)


class TestImport:
    def write(self, path: Path, lines: str) -> Path:
        path.write_text(lines, encoding="utf-8")
        return path

    def test_texts_alone_become_concepts(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = self.write(
            tmp_path / "x.csv", "text,status\nsmall left effusion,accepted\nleft effusion small,accepted\n"
        )
        result = import_vocabulary(kb, path, by="ada")
        assert (result.added, result.synonyms) == (1, 1)
        (concept,) = [kb.vocabulary.get(row["concept_id"]) for row in kb.vocabulary.list()]
        assert (concept.text, concept.synonyms) == ("small left effusion", ("left effusion small",))
        assert (concept.laterality, concept.severity, concept.status) == ("left", "small", "accepted")
        assert concept.source == "x.csv"

    def test_an_edited_row_is_a_change_that_can_be_undone(self, curated, tmp_path: Path) -> None:
        before = curated.commit.commit_id
        path = self.write(tmp_path / "x.csv", f"concept_id,text,note\n{RIGHT},right lung nodule,seen\n")
        result = import_vocabulary(curated, path, by="ada", why="after the meeting")
        assert (result.edited, result.added) == (1, 0)
        change = curated.changes()[-1]
        assert (change.act, change.author, change.after[RIGHT]) == (
            "import",
            "ada",
            {"text": "right lung nodule", "note": "seen"},
        )
        curated.curate.revert(change.change_id)
        assert curated.diff(before).differences == []

    def test_a_text_that_reads_as_a_known_concept_is_another_name_of_it(self, curated, tmp_path: Path) -> None:
        path = self.write(tmp_path / "x.csv", "text\nnodule on the right\n")
        assert import_vocabulary(curated, path).synonyms == 1
        assert curated.vocabulary.get(RIGHT).synonyms == ("nodule on the right",)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ({"text": ""}, "a needed field is empty"),
            ({"text": "..."}, "says nothing"),
            ({"note": "no text"}, "no text"),
            ({"text": "mass", "status": "good"}, "status: 'good' is none of"),
            ({"text": "mass", "laterality": "up"}, "laterality: 'up'"),
            ({"text": "mass", "concept_id": "RID1"}, "'RID1' is no concept id"),
            ({"text": "mass", "concept_id": LEFT}, "is not that of"),
            ({"text": "mass", "assertion": "absent"}, "assertion absent"),
            ({"text": "mass", "mappings": [{"object_id": "x"}]}, "mappings: 'predicate' is missing"),
            ({"text": "mass", "splits": "x"}, "splits"),
            ({"text": 7}, "7 is not a text"),
            ({"text": "mass", "distinct_from": ["x y"]}, "is no concept id"),
            ({"text": "mass \ud800"}, "half a letter"),
            (
                {
                    "text": "mass",
                    "mappings": [{"object_id": "A:1", "predicate": "skos:exactMatch", "justification": 5}],
                },
                "mappings: 5 is not a text",
            ),
        ],
    )
    def test_a_row_that_cannot_be_taken_is_rejected_with_its_reason(
        self, kb: KnowledgeBase, tmp_path: Path, row: dict[str, Any], reason: str
    ) -> None:
        lines = [json.dumps(row), json.dumps({"text": "left nodule"})]
        result = import_vocabulary(kb, self.write(tmp_path / "x.jsonl", "\n".join(lines)))
        assert (result.added, result.rejected) == (1, 1)
        (reject,) = kb.rejects()
        assert (reject["source"], reject["position"]) == ("x.jsonl", "row 1")
        assert reason in reject["reason"]

    def test_a_row_typed_under_an_exported_header_is_a_new_concept(self, curated, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        curated.export_vocabulary(path)
        columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        with path.open("a", encoding="utf-8") as file:
            file.write(",".join("hiatal hernia" if name == "text" else "" for name in columns) + "\n")
        result = import_vocabulary(curated, path)
        assert (result.added, result.edited, result.rejected) == (1, 0, 0)

    def test_a_concept_that_stands_there_twice_is_told_once(self, curated, tmp_path: Path) -> None:
        path = self.write(tmp_path / "x.csv", f"concept_id,note\n{RIGHT},one\n{RIGHT},two\n")
        assert import_vocabulary(curated, path).rejected == 1
        assert curated.vocabulary.get(RIGHT).note == "one"

    def test_what_reads_as_a_merged_concept_names_its_survivor(self, curated, tmp_path: Path) -> None:
        import_vocabulary(curated, self.write(tmp_path / "x.csv", "text\npleural fluid puddle\n"))
        assert "pleural fluid puddle" in curated.vocabulary.get(EFFUSION).synonyms

    def test_vectors_reach_the_concepts_that_lack_one(self, curated, tmp_path: Path, tiny_model: Path) -> None:
        import shutil

        bare = shutil.copytree(curated.uri, tmp_path / "bare.kb")
        embed_concepts(curated, load_embedder(str(tiny_model)))
        export_vocabulary(curated, tmp_path / "x.parquet", options=ExportOptions(vectors=True))
        without = KnowledgeBase.open(bare)
        result = import_vocabulary(without, tmp_path / "x.parquet")
        assert (result.added, result.edited, result.embedded) == (0, 0, len(TEXTS))
        assert without.status().not_embedded == 0
        change = without.curate.rename(RIGHT, "right spot")
        assert import_vocabulary(without, tmp_path / "x.parquet").embedded == 1
        assert without.vocabulary.get(RIGHT).text == "right nodule"
        assert change is not None

    def test_a_replacement_within_the_file_is_seen_by_a_dry_run_too(self, curated, tmp_path: Path) -> None:
        new = read_query("pulmonary nodule on the right").concept_id
        rows = [{"text": "hiatal hernia"}, {"concept_id": RIGHT, "status": "retired", "replaced_by": None}]
        rows[1]["replaced_by"] = read_query("hiatal hernia").concept_id
        path = self.write(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
        assert import_vocabulary(curated, path, dry_run=True).edited == 1
        assert import_vocabulary(curated, path).edited == 1
        assert new

    def test_identity_cannot_be_edited(self, curated, tmp_path: Path) -> None:
        path = self.write(tmp_path / "x.csv", f"concept_id,assertion\n{LEFT},absent\n")
        assert import_vocabulary(curated, path).rejected == 1
        assert "stays so" in curated.rejects()[0]["reason"]

    @pytest.mark.parametrize("target", ["C0000000000000000", LEFT])
    def test_a_replacement_that_leads_nowhere_or_back_takes_nothing_in(self, kb, tmp_path: Path, target: str) -> None:
        row = {"text": "left nodule", "status": "retired", "replaced_by": target}
        path = self.write(tmp_path / "x.jsonl", json.dumps(row))
        with pytest.raises(UsageError, match="would be replaced by"):
            import_vocabulary(kb, path)
        assert len(kb.at("HEAD").vocabulary) == 0

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_a_new_concept_that_is_replaced_and_in_use_takes_nothing_in(
        self, kb, tmp_path: Path, dry_run: bool
    ) -> None:
        rows = [{"text": "hiatal hernia"}, {"text": "nodule", "replaced_by": read_query("hiatal hernia").concept_id}]
        path = self.write(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
        with pytest.raises(UsageError, match="and still be candidate: what is replaced is retired"):
            import_vocabulary(kb, path, dry_run=dry_run)
        assert len(kb.at("HEAD").vocabulary) == 0

    @pytest.mark.parametrize(
        ("name", "content"),
        [("x.jsonl", "{\n"), ("x.jsonl", "[1]\n")],
    )
    def test_a_line_that_is_no_object_is_one_reject(self, kb, tmp_path: Path, name: str, content: str) -> None:
        assert import_vocabulary(kb, self.write(tmp_path / name, content)).rejected == 1

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("x.parquet", b"no parquet", "not a Parquet file"),
            ("x.ttl", b"@prefix : nonsense", "cannot be read as RDF"),
            ("x.rdf", b'<!DOCTYPE a [<!ENTITY b "c">]><a>', "it defines entities"),
            ("x.csv", b"text\n\xff\x81\n", "no text in UTF-8"),
            ("x.csv", b'text\n"open\n', "no table that can be read"),
            ("x.tsv", b"a\tb\n", "no SSSOM table"),
            ("x.doc", b"", "the ending says no format"),
        ],
    )
    def test_a_file_of_another_kind_is_a_clear_error(
        self, kb, tmp_path: Path, name: str, content: bytes, message: str
    ) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match=message):
            import_vocabulary(kb, tmp_path / name)

    def test_a_dry_run_writes_nothing(self, kb, curated, tmp_path: Path) -> None:
        path = self.write(tmp_path / "x.csv", "text\nleft mass\n")
        before = curated.commit
        result = import_vocabulary(curated, path, dry_run=True)
        assert (result.added, result.commit, curated.at("HEAD").commit) == (1, None, before)

    def test_vectors_of_another_space_are_refused(self, curated, other, tmp_path: Path, tiny_model: Path) -> None:
        embed_concepts(curated, load_embedder(str(tiny_model)))
        export_vocabulary(curated, tmp_path / "x.parquet", options=ExportOptions(vectors=True))
        add_concepts(other, ["scoliosis"])
        embed_concepts(other, load_embedder())
        with pytest.raises(UsageError, match="without vectors"):
            import_vocabulary(other, tmp_path / "x.parquet")
        assert import_vocabulary(other, tmp_path / "x.parquet", vectors=False).added == len(TEXTS)

    def test_mappings_of_unknown_concepts_are_rejected(self, curated, other, tmp_path: Path) -> None:
        export_vocabulary(curated, tmp_path / "x.tsv")
        assert import_vocabulary(other, tmp_path / "x.tsv").rejected == 2


class TestSkos:
    def graph(self, path: Path) -> Any:
        from rdflib import Graph

        return Graph().parse(path)

    def test_other_tools_read_names_hierarchy_and_mappings(self, curated, tmp_path: Path) -> None:
        from rdflib import URIRef
        from rdflib.namespace import DCTERMS, OWL, SKOS

        add_concepts(curated, ["nodule"])
        export_vocabulary(curated, tmp_path / "x.ttl", options=ExportOptions(prefixes=Prefixes.given("https://x.org/")))
        graph = self.graph(tmp_path / "x.ttl")
        effusion = URIRef(f"https://x.org/{EFFUSION}")
        assert str(graph.value(effusion, SKOS.prefLabel)) == "pleural effusion"
        assert "Flüssigkeit" in {str(name) for name in graph.objects(effusion, SKOS.altLabel)}
        assert graph.value(effusion, SKOS.exactMatch) == URIRef("http://radlex.org/RID/RID34539")
        assert graph.value(URIRef(f"https://x.org/{FLUID}"), DCTERMS.isReplacedBy) == effusion
        assert graph.value(URIRef(f"https://x.org/{FLUID}"), OWL.deprecated)
        broader = URIRef(f"https://x.org/{read_query('nodule').concept_id}")
        assert graph.value(URIRef(f"https://x.org/{LEFT}"), SKOS.broader) == broader

    @pytest.mark.parametrize("name", ["x.ttl", "x.nt", "x.rdf"])
    def test_broader_leads_to_concepts_of_the_file_and_up_to_the_top_ones(self, kb, tmp_path: Path, name: str) -> None:
        from rdflib import URIRef
        from rdflib.namespace import RDF, SKOS

        texts = ["bone abnormality", "left rib fracture", "rib fracture", "asthma", "asthma of the airway"]
        denied = ["no fracture", "no left rib fracture", "no nodule"]
        add_concepts(kb, [*texts, *denied])
        add_concepts(kb, ["fracture"], status="rejected")
        export_vocabulary(kb, tmp_path / name)
        graph = self.graph(tmp_path / name)
        label = {subject: str(text) for subject, text in graph.subject_objects(SKOS.prefLabel)}
        found = {(label[low], label[high]) for low, high in graph.subject_objects(SKOS.broader)}
        assert found == {
            ("left rib fracture", "rib fracture"),
            ("rib fracture", "bone abnormality"),
            ("airway asthma", "asthma"),
            ("no left rib fracture", "no fracture"),
        }
        scheme = URIRef("urn:clear-kb:concept:scheme")
        tops = {label[one] for one in graph.objects(scheme, SKOS.hasTopConcept)}
        assert tops == {"bone abnormality", "asthma", "no fracture", "no nodule"}
        assert tops == {label[one] for one in graph.subjects(SKOS.topConceptOf, scheme)}
        assert len(set(graph.subjects(RDF.type, SKOS.Concept))) == 9

    def test_a_broader_match_that_follows_from_a_wider_concept_is_said_there_alone(self, kb, tmp_path: Path) -> None:
        from rdflib.namespace import SKOS

        add_concepts(kb, ["nodule", "calcified nodule", "left calcified nodule"])
        for text in ("calcified nodule", "left calcified nodule"):
            kb.curate.map_to(read_query(text).concept_id, "RADLEX:RID3", "skos:broadMatch", by="ada")
        export_vocabulary(kb, tmp_path / "x.ttl")
        (above,) = self.graph(tmp_path / "x.ttl").subjects(SKOS.broadMatch)
        assert str(above).endswith(read_query("calcified nodule").concept_id)
        assert import_vocabulary(kb, tmp_path / "x.ttl").edited == 0

    def test_the_scheme_has_a_label(self, kb, tmp_path: Path) -> None:
        from rdflib.namespace import RDF, SKOS

        export_vocabulary(kb, tmp_path / "x.ttl")
        graph = self.graph(tmp_path / "x.ttl")
        (scheme,) = graph.subjects(RDF.type, SKOS.ConceptScheme)
        assert "test.kb" in str(graph.value(scheme, SKOS.prefLabel))

    def test_what_an_editor_changed_comes_back(self, curated, tmp_path: Path) -> None:
        from rdflib import Literal, URIRef
        from rdflib.namespace import SKOS

        path = tmp_path / "x.ttl"
        export_vocabulary(curated, path)
        graph = self.graph(path)
        right = URIRef(f"urn:clear-kb:concept:{RIGHT}")
        graph.add((right, SKOS.altLabel, Literal("coin lesion", lang="en")))
        graph.add((right, SKOS.narrowMatch, URIRef("http://radlex.org/RID/RID50149")))
        graph.serialize(path, format="turtle")
        assert import_vocabulary(curated, path).edited == 1
        concept = curated.vocabulary.get(RIGHT)
        assert concept.synonyms == ("coin lesion",)
        assert [m["object_id"] for m in concept.mappings] == ["RADLEX:RID50149"]

    def test_an_unknown_prefix_is_asked_for(self, curated, tmp_path: Path) -> None:
        curated.curate.map_to(LEFT, "LOCAL:7")
        curated.curate.map_to(RIGHT, "WARD:8")
        for name in ("x.ttl", "x.tsv"):
            with pytest.raises(UsageError, match="not known: LOCAL, WARD; name the IRI of each"):
                export_vocabulary(curated, tmp_path / name)
            assert not (tmp_path / name).exists()
        told = {"LOCAL": "https://here.org/", "WARD": "https://ward.org/"}
        options = ExportOptions(prefixes=Prefixes.given(more=told))
        assert export_vocabulary(curated, tmp_path / "x.tsv", options=options) == 4

    def test_rdf_of_others_adds_and_empties_nothing(self, curated, tmp_path: Path) -> None:
        path = tmp_path / "theirs.ttl"
        path.write_text(
            """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
            <http://x.org/RID1> a skos:Concept ; skos:notation "RID1" ;
                skos:prefLabel "Knoten links"@de, "Left nodule"@en ; skos:altLabel "spot"@en, "Fleck"@de .
            <http://x.org/RID2> a skos:Concept ; skos:prefLabel "spiculated calcified nodule"@en .
            <http://x.org/RID3> a skos:Concept ; skos:prefLabel "mass"@en ;
                skos:exactMatch <http://www.wikidata.org/entity/Q1> .
            """,
            encoding="utf-8",
        )
        before = curated.vocabulary.get(LEFT)
        result = import_vocabulary(curated, path)
        after = curated.vocabulary.get(LEFT)
        assert (result.added, result.rejected) == (1, 1)
        assert "no CURIE" in curated.rejects()[0]["reason"]
        assert after.synonyms == ("Left nodule", "spot")
        assert (after.note, after.descriptors, after.distinct_from) == (
            before.note,
            before.descriptors,
            before.distinct_from,
        )
        added = curated.vocabulary.get(read_query("spiculated calcified nodule").concept_id)
        assert added.descriptors == ("spiculated", "calcified"), "in the order of the table"

    @pytest.mark.parametrize("base", ["no iri", "x", "https://a b/"])
    def test_a_base_that_is_no_iri_is_refused(self, base: str) -> None:
        with pytest.raises(UsageError, match="no IRI"):
            Prefixes.given(base)


class TestSssom:
    HEAD = "subject_id\tpredicate_id\tobject_id\tmapping_justification\tpredicate_modifier\n"

    def rows(self, path: Path, *rows: str, head: str = "") -> Path:
        path.write_text(head + self.HEAD + "".join(rows), encoding="utf-8")
        return path

    def test_what_is_said_not_to_match_stays_denied(self, curated, tmp_path: Path) -> None:
        row = f"CLEARKB:{LEFT}\tskos:exactMatch\tRADLEX:RID1\tsemapv:ManualMappingCuration\tNot\n"
        import_vocabulary(curated, self.rows(tmp_path / "x.tsv", row))
        (mapping,) = curated.vocabulary.get(LEFT).mappings
        assert (mapping["modifier"], mapping["object_id"]) == ("Not", "RADLEX:RID1")
        export_vocabulary(curated, tmp_path / "x.ttl")
        assert "RID1>" not in (tmp_path / "x.ttl").read_text(encoding="utf-8"), "RDF would say that it holds"
        assert import_vocabulary(curated, tmp_path / "x.ttl").edited == 0

    def test_their_prefixes_become_ours(self, curated, tmp_path: Path) -> None:
        head = '#curie_map:\n#  RID: "http://radlex.org/RID/"\n'
        row = f"X:{LEFT}\tskos:exactMatch\tRID:RID1\tsemapv:ManualMappingCuration\t\n"
        import_vocabulary(curated, self.rows(tmp_path / "x.tsv", row, head=head))
        assert [mapping["object_id"] for mapping in curated.vocabulary.get(LEFT).mappings] == ["RADLEX:RID1"]

    def test_a_row_that_is_cut_short_is_one_reject(self, curated, tmp_path: Path) -> None:
        path = self.rows(tmp_path / "x.tsv", f"X:{LEFT}\tskos:exactMatch\n", f"X:{LEFT}\n")
        assert import_vocabulary(curated, path).rejected == 2

    def test_prefixes_that_nobody_declares_are_all_named_and_nothing_is_taken(self, curated, tmp_path: Path) -> None:
        rows = [f"X:{LEFT}\tskos:exactMatch\t{outside}\tsemapv:ManualMappingCuration\t\n" for outside in ("A:1", "B:2")]
        path = self.rows(tmp_path / "x.tsv", *rows)
        with pytest.raises(UsageError, match="not known: A, B; name the IRI of each"):
            import_vocabulary(curated, path)
        assert curated.vocabulary.get(LEFT).mappings == ()

    @pytest.mark.parametrize("name", ["y.sssom.tsv", *FILES])
    def test_prefixes_that_a_file_declares_are_kept_and_go_out_again(self, curated, other, tmp_path, name: str) -> None:
        head = '#curie_map:\n#  WARD: "https://ward.org/"\n'
        row = f"X:{LEFT}\tskos:exactMatch\tWARD:7\tsemapv:ManualMappingCuration\t\n"
        import_vocabulary(curated, self.rows(tmp_path / "x.tsv", row, head=head))
        export_vocabulary(curated, tmp_path / "all.csv")
        import_vocabulary(other, tmp_path / "all.csv")
        assert_same(curated, other)
        export_vocabulary(other, tmp_path / name)
        if name.endswith(".sssom.tsv"):
            assert '#  WARD: "https://ward.org/"' in (tmp_path / name).read_text(encoding="utf-8")
        result = import_vocabulary(other, tmp_path / name)
        assert (result.edited, result.rejected) == (0, 0)

    def test_a_prefix_that_means_something_else_here_is_asked_about(self, curated, tmp_path: Path) -> None:
        head = '#curie_map:\n#  MESH: "https://elsewhere.org/"\n'
        row = f"X:{LEFT}\tskos:exactMatch\tMESH:D1\tsemapv:ManualMappingCuration\t\n"
        with pytest.raises(UsageError, match=r"'MESH' stands for https://elsewhere\.org/, and for .* here"):
            import_vocabulary(curated, self.rows(tmp_path / "x.tsv", row, head=head))

    def test_authors_reviewers_dates_and_likeness_are_kept(self, curated, other, tmp_path: Path) -> None:
        path = tmp_path / "x.tsv"
        path.write_text(
            '#curie_map:\n#  people: "https://orcid.org/"\n#mapping_date: "2026-01-31"\n#license: "https://a.org/l"\n'
            "subject_id\tpredicate_id\tobject_id\tmapping_justification\tauthor_id\treviewer_label\tconfidence\t"
            "similarity_score\tcomment\tsubject_category\n"
            f"X:{LEFT}\tskos:closeMatch\tRADLEX:RID1\tsemapv:LexicalMatching\tpeople:0000-0002-1825-0097\tada|bob\t0.5\t"
            "0.75\tas we use it\tfinding\n",
            encoding="utf-8",
        )
        result = import_vocabulary(curated, path)
        assert result.unused == ("subject_category",)
        (mapping,) = curated.vocabulary.get(LEFT).mappings
        assert by_name(mapping["details"]) == {
            "author_id": "people:0000-0002-1825-0097",
            "comment": "as we use it",
            "mapping_date": "2026-01-31",
            "reviewer_label": "ada|bob",
            "similarity_score": "0.75",
        }
        export_vocabulary(curated, tmp_path / "all.csv")
        import_vocabulary(other, tmp_path / "all.csv")
        export_vocabulary(curated, tmp_path / "back.sssom.tsv")
        assert import_vocabulary(other, tmp_path / "back.sssom.tsv").edited == 0
        assert_same(curated, other)

    @pytest.mark.parametrize(
        ("column", "cell", "reason"),
        [
            ("mapping_date", "last week", "no date"),
            ("similarity_score", "7", "not between 0 and 1"),
            ("confidence", "sure", "not between 0 and 1"),
            ("predicate_modifier", "No", "modifier 'No'"),
        ],
    )
    def test_a_row_that_cannot_be_is_a_reject_that_says_why(
        self, curated, tmp_path: Path, column: str, cell: str, reason: str
    ) -> None:
        path = tmp_path / "x.tsv"
        path.write_text(
            f"subject_id\tpredicate_id\tobject_id\tmapping_justification\t{column}\n"
            f"X:{LEFT}\tskos:exactMatch\tRADLEX:RID1\tsemapv:LexicalMatching\t{cell}\n",
            encoding="utf-8",
        )
        assert import_vocabulary(curated, path).rejected == 1
        assert reason in curated.rejects()[0]["reason"]

    def test_whoever_says_a_mapping_again_has_reviewed_it(self, curated, tmp_path: Path) -> None:
        assert curated.curate.map_to(EFFUSION, "RADLEX:RID34539", by="tester") is None
        curated.curate.map_to(EFFUSION, "RADLEX:RID34539", by="bob")
        curated.curate.map_to(EFFUSION, "SNOMEDCT:60046008", "skos:closeMatch", by="eve", denied=True)
        export_vocabulary(curated, tmp_path / "x.sssom.tsv")
        lines = (tmp_path / "x.sssom.tsv").read_text(encoding="utf-8").splitlines()
        head, *rows = [line.split("\t") for line in lines if not line.startswith("#")]
        said = {row["object_id"]: row for row in (dict(zip(head, row, strict=True)) for row in rows)}
        assert said["RADLEX:RID34539"]["reviewer_label"] == "bob"
        assert said["RADLEX:RID34539"]["object_source"] == "RADLEX:"
        assert said["RADLEX:RID34539"]["subject_source"] == "CLEARKB:scheme"
        assert (said["SNOMEDCT:60046008"]["predicate_modifier"], said["SNOMEDCT:60046008"]["author_label"]) == (
            "Not",
            "eve",
        )


class TestThePublishedBank:
    """mimic_concepts.csv and one tensor: what the published release is made of, at another size."""

    @pytest.fixture
    def bank(self, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
        import torch

        def write(rows: list[tuple[Any, str]], tensor: Any = None) -> tuple[Path, Path]:
            csv, vectors = tmp_path / "mimic_concepts.csv", tmp_path / "concept_embeddings.pt"
            lines = "".join(f'{index},"{text}"\n' for index, text in rows)
            csv.write_text(f"concept_idx,concept\n{lines}", encoding="utf-8")
            torch.manual_seed(0)
            torch.save(torch.randn(len(rows), 8) if tensor is None else tensor, vectors)
            return csv, vectors

        return write

    def test_facets_are_parsed_and_each_vector_goes_to_its_index(self, kb: KnowledgeBase, bank) -> None:
        import torch

        tensor = torch.eye(3, 8) * 5
        files = bank([(2, "small left effusion"), (0, "no pneumothorax"), (1, "clear lungs")], tensor)
        result = kb.import_clear(*files, embedder="some/model")
        assert (result.added, result.embedded, result.rejected) == (3, 3, 0)
        table = kb.dataset("concepts").to_table(columns=["text", "assertion", "laterality", "source", "embedding"])
        found = {row["text"]: row for row in table.to_pylist()}
        assert found["small left effusion"]["laterality"] == "left"
        assert found["no pneumothorax"]["assertion"] == "absent"
        assert found["small left effusion"]["source"] == "mimic_concepts.csv#2"
        assert found["small left effusion"]["embedding"] == [0, 0, 1, 0, 0, 0, 0, 0]
        assert kb.embedder.name == "some/model"

    def test_two_wordings_of_one_observation_are_one_concept(self, kb: KnowledgeBase, bank) -> None:
        result = kb.import_clear(*bank([(0, "enlarged heart"), (1, "the heart is enlarged")]))
        assert (result.added, result.synonyms, result.embedded) == (1, 1, 1)

    def test_the_published_dimension_names_the_published_embedder(self, kb: KnowledgeBase, bank) -> None:
        import torch

        kb.import_clear(*bank([(0, "mass")], torch.ones(1, 4096)))
        assert (kb.embedder.name, kb.embedder.dimension) == ("Salesforce/SFR-Embedding-Mistral", 4096)

    def test_vectors_of_nobody_knows_what_are_searched_by_words_alone(self, kb: KnowledgeBase, bank) -> None:
        kb.import_clear(*bank([(0, "mass"), (1, "no mass")]))
        with pytest.raises(Exception, match="does not say what made them"):
            kb.search("mass")
        assert kb.search("mass", words_only=True)[0].text == "mass"

    @pytest.mark.parametrize(
        ("rows", "tensor", "rejected"),
        [
            ([(0, "mass"), (0, "nodule")], None, "twice"),
            ([(0, "mass"), (9, "nodule")], None, "no row of the tensor"),
            ([(0, "mass"), ("x", "nodule")], None, "no row of the tensor"),
            ([(0, "mass"), (1, "")], None, "needed field is empty"),
            ([(0, "mass"), (1, "nodule")], [[1.0, 0.0], [0.0, 0.0]], "zero or not finite"),
            ([(0, "mass"), (1, "nodule")], [[1.0, 0.0], [float("nan"), 0.0]], "zero or not finite"),
        ],
    )
    def test_a_row_without_its_vector_or_text_is_rejected(self, kb, bank, rows, tensor, rejected: str) -> None:
        import torch

        files = bank(rows, None if tensor is None else torch.tensor(tensor))
        result = kb.import_clear(*files)
        assert (result.added, result.rejected) == (1, 1)
        assert rejected in kb.rejects()[0]["reason"]

    def test_files_that_do_not_fit_are_refused(self, kb: KnowledgeBase, bank, tmp_path: Path) -> None:
        import torch

        csv, vectors = bank([(0, "mass")], torch.ones(2, 4))
        with pytest.raises(UsageError, match=r"1 concepts, .* 2 vectors"):
            kb.import_clear(csv, vectors)
        for content in ({"a": torch.ones(1)}, torch.ones(3), torch.ones(1, 3, dtype=torch.long)):
            torch.save(content, vectors)
            with pytest.raises(UsageError, match="one tensor of numbers"):
                kb.import_clear(csv, vectors)
        (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
        torch.save(torch.ones(1, 4), vectors)
        with pytest.raises(UsageError, match="no column concept_idx, concept"):
            kb.import_clear(tmp_path / "bad.csv", vectors)

    def test_a_pickle_that_runs_code_is_not_run(self, kb: KnowledgeBase, bank, tmp_path: Path) -> None:
        import pickle

        class Evil:
            def __reduce__(self) -> tuple[Any, ...]:
                return (Path.touch, (tmp_path / "ran",))

        csv, vectors = bank([(0, "mass")])
        vectors.write_bytes(pickle.dumps(Evil()))
        with pytest.raises(UsageError, match="read safely"):
            kb.import_clear(csv, vectors)
        assert not (tmp_path / "ran").exists()

    def test_on_the_command_line_a_knowledge_base_is_made(self, cli, cli_json, bank) -> None:
        files = bank([(1, "left nodule"), (0, "right nodule")])
        told = cli_json("vocab", "import", "--clear", *files, "--kb", "bank.kb", "--store", "float16")
        assert (told["read"], told["added"], told["embedded"]) == (2, 2, 2)
        assert cli_json("status", "--kb", "bank.kb")["vectors"]["stored_as"] == "float16"


class TestTheCommandLine:
    @pytest.mark.soak
    def test_out_and_in(self, curated, cli, cli_json, tmp_path: Path) -> None:
        cli("vocab", "export", "-o", "x.ttl", "--kb", curated.uri)
        told = cli_json("vocab", "import", "x.ttl", "--kb", "new.kb")
        assert (told["added"], told["rejected"]) == (len(TEXTS), 0)
        assert "6" in cli("vocab", "export", "y.csv", "--kb", "new.kb").stderr
        assert "added" in cli("vocab", "import", "y.csv", "--kb", "new.kb").stdout

    def test_a_table_of_something_else_makes_no_knowledge_base(self, cli, tmp_path: Path) -> None:
        (tmp_path / "reports.csv").write_text("uid,findings\n1,clear\n", encoding="utf-8")
        assert "tells of no concepts" in cli("vocab", "import", "reports.csv", "--kb", "new.kb", code=2).stderr
        assert not (tmp_path / "new.kb").exists()

    def test_a_dry_run_makes_no_knowledge_base(self, curated, cli, tmp_path: Path) -> None:
        cli("vocab", "export", "x.csv", "--kb", curated.uri)
        assert "dry run" in cli("vocab", "import", "x.csv", "--kb", "new.kb", "--dry-run").stdout
        assert not (tmp_path / "new.kb").exists()

    def test_an_export_writes_through_a_link(self, curated, tmp_path: Path) -> None:
        (tmp_path / "real.csv").write_text("old")
        (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
        curated.export_vocabulary(tmp_path / "link.csv")
        assert (tmp_path / "link.csv").is_symlink()
        assert "pleural effusion" in (tmp_path / "real.csv").read_text(encoding="utf-8")
        with pytest.raises(UsageError, match="no folder"):
            curated.export_vocabulary(tmp_path / "nowhere" / "x.csv")

    def test_wrong_usage_exits_with_2(self, curated, cli) -> None:
        cli("vocab", "export", "--kb", curated.uri, code=2)
        cli("vocab", "export", "x.csv", "--vectors", "--kb", curated.uri, code=2)
        cli("vocab", "import", "--clear", "x.csv", "--kb", curated.uri, code=2)
        cli("vocab", "import", "nowhere.csv", "--kb", curated.uri, code=2)
