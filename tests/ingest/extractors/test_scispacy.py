"""The `scispacy` extractor with a small spaCy pipeline that is made and trained here: what it adds to the rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ingest.extractors.load import make_extractor
from ingest.extractors.rules import RulesExtractor
from ingest.extractors.scispacy_extractor import ScispacyExtractor
from ingest.mention import Mention
from ingest.report import Section
from ingest.reports.options import ExtractorOptions
from kb.errors import UsageError
from tests.support.paths import ROOT
from tests.support.reports import write_csv

PARSED = [
    ("No lepidic focus .", [2, 2, 2, 2], ["det", "amod", "ROOT", "punct"]),
    ("Large lepidic focus .", [2, 2, 2, 2], ["amod", "amod", "ROOT", "punct"]),
    ("Ill-defined zorbic rim .", [4, 4, 4, 4, 4, 4], ["amod", "punct", "amod", "amod", "ROOT", "punct"]),
    ("Zorbic rim design .", [1, 2, 2, 2], ["amod", "compound", "ROOT", "punct"]),
    ("No change in the zorbic rim .", [1, 1, 1, 5, 5, 2, 1], ["det", "ROOT", "prep", "det", "amod", "pobj", "punct"]),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline with a parser trained on four sentences, and two entities that no lexicon knows."""
    import spacy
    from spacy.training import Example
    from spacy.util import fix_random_seed

    fix_random_seed(0)
    pipeline = spacy.blank("en")
    pipeline.meta["name"], pipeline.meta["version"] = "zorbic", "0.0.1"
    pipeline.add_pipe("parser", config={"min_action_freq": 1})
    examples = [
        Example.from_dict(pipeline.make_doc(text), {"heads": heads, "deps": deps}) for text, heads, deps in PARSED
    ]
    optimiser = pipeline.initialize(lambda: examples)
    for _ in range(40):
        pipeline.update(examples, sgd=optimiser)
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ENTITY", "pattern": text} for text in ("lepidic focus", "zorbic rim", "effusion")])
    ruler.add_patterns([{"label": "ENTITY", "pattern": "Zorbic rim"}, {"label": "ORG", "pattern": "Brakian"}])
    folder = tmp_path_factory.mktemp("spacy") / "zorbic"
    pipeline.to_disk(folder)
    return folder


@pytest.fixture(scope="module")
def extractor(model: Path) -> ScispacyExtractor:
    return ScispacyExtractor.load(str(model))


def mine(extractor: ScispacyExtractor, text: str) -> list[Mention]:
    (found,) = extractor.extract([[Section("findings", text)]])
    return found.mentions


def test_what_the_lexicon_names_is_as_the_rules_have_it(extractor: ScispacyExtractor) -> None:
    text = "Small left pleural effusion. No pneumothorax."
    assert mine(extractor, text) == RulesExtractor().mentions([Section("findings", text)])


def test_of_an_unknown_clause_the_entity_is_what_was_observed(extractor: ScispacyExtractor) -> None:
    text = "The picture suggests a lepidic focus of the usual kind."
    assert [m.text for m in RulesExtractor().mentions([Section("findings", text)])][-1] != "lepidic focus"
    found = [m for m in mine(extractor, text) if "lepidic" in m.text]
    assert [(m.text, m.assertion) for m in found] == [("lepidic focus", "uncertain")]


def test_an_entity_takes_the_modifiers_that_the_parse_gives_it(extractor: ScispacyExtractor) -> None:
    (mention,) = mine(extractor, "Large lepidic focus .")
    assert (mention.text, mention.severity) == ("Large lepidic focus", "Large")


def test_what_the_rules_deny_stays_denied(extractor: ScispacyExtractor) -> None:
    (mention,) = mine(extractor, "No lepidic focus .")
    assert (mention.text, mention.assertion, mention.facets.text) == (
        "lepidic focus",
        "absent",
        "no lepidic focus",
    )


def test_an_entity_keeps_the_place_that_follows_it(extractor: ScispacyExtractor) -> None:
    (mention,) = mine(extractor, "Lepidic focus in the left upper lobe.")
    assert (mention.text, mention.laterality) == ("Lepidic focus in the left upper lobe", "left")


def test_an_entity_that_is_part_of_another_word_does_not_stand_for_the_whole(extractor: ScispacyExtractor) -> None:
    assert [m.text for m in mine(extractor, "Zorbic rim design .")] == ["Zorbic rim design"]


def test_names_numbers_and_times_are_no_observations(extractor: ScispacyExtractor) -> None:
    text = "Brakian sign in the left upper lobe."
    assert mine(extractor, text) == RulesExtractor().mentions([Section("findings", text)])


def test_a_model_that_names_only_those_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Kerley"}])
    pipeline.to_disk(tmp_path / "general")
    with caplog.at_level("WARNING", "clear_kb.ingest"):
        extractor = ScispacyExtractor.load(str(tmp_path / "general"))
    assert "names no findings (PERSON, ...): it adds nothing to the rules" in caplog.text
    text = "Kerley lines."
    assert mine(extractor, text) == RulesExtractor().mentions([Section("findings", text)])


@pytest.mark.parametrize(
    "text",
    ["Compared with the zorbic rim.", "Pneumothorax after zorbic rim.", "The zorbic rim should be advanced."],
)
def test_what_the_rules_leave_out_on_purpose_stays_out(extractor: ScispacyExtractor, text: str) -> None:
    assert not any("zorbic" in mention.text for mention in mine(extractor, text))


def test_advice_and_technique_stay_unsaid(extractor: ScispacyExtractor) -> None:
    assert mine(extractor, "Recommend CT for the zorbic rim.") == []


def test_sections_and_reports_keep_their_mentions(extractor: ScispacyExtractor) -> None:
    first, second = extractor.extract(
        [
            [Section("findings", "Lepidic focus."), Section("impression", "No lepidic focus.")],
            [Section("findings", "Zorbic rim.")],
        ]
    )
    assert [(m.section, m.assertion) for m in first.mentions] == [("findings", "present"), ("impression", "absent")]
    assert [m.text for m in second.mentions] == ["Zorbic rim"]


def test_the_fingerprint_tells_the_model(extractor: ScispacyExtractor) -> None:
    assert "en_zorbic-0.0.1" in extractor.fingerprint
    assert RulesExtractor().fingerprint in extractor.fingerprint


def test_a_model_that_is_not_there_is_said_with_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"no spaCy model 'en_core_sci_sm' here: install .*model file.*stub.*name one"):
        make_extractor(ExtractorOptions(name="scispacy"))


def test_a_model_that_finds_nothing_is_refused(tmp_path: Path) -> None:
    import spacy

    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(UsageError, match="finds no entities"):
        ScispacyExtractor.load(str(tmp_path / "blank"))


@pytest.fixture
def model_with_scispacy(tmp_path: Path) -> Path:
    """A pipeline that names a component of scispaCy's, as its own models may."""
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "ENTITY", "pattern": "lepidic focus"}])
    folder = tmp_path / "abbreviating"
    pipeline.to_disk(folder)
    config = folder / "config.cfg"
    text = config.read_text(encoding="utf-8").replace('["entity_ruler"]', '["entity_ruler","abbreviation_detector"]')
    text += '\n\n[components.abbreviation_detector]\nfactory = "abbreviation_detector"\n'
    config.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.skipif(find_spec("scispacy") is None, reason="scispaCy is not here")
def test_a_model_may_have_components_of_scispacys(model_with_scispacy: Path) -> None:
    extractor = ScispacyExtractor.load(str(model_with_scispacy))
    assert [mention.text for mention in mine(extractor, "Lepidic focus.")] == ["Lepidic focus"]


WITHOUT_SCISPACY = "import sys; sys.modules['scispacy'] = None; from cli import main; sys.exit(main())"


@pytest.mark.soak
def test_where_scispacy_is_not_installed_one_line_says_what_to_install(
    model_with_scispacy: Path, tmp_path: Path
) -> None:
    source = write_csv(tmp_path / "r.csv", [{"uid": "a", "findings": "Lepidic focus.", "impression": ""}])

    def told(model: object) -> str:
        command = ("ingest", "reports", source, "--extractor", "scispacy", "--model", model, "--no-embed")
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_SCISPACY, *map(str, command)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    assert "no spaCy model 'en_core_sci_md' here: install scispaCy (pip install 'clear-kb[scispacy]'" in told(
        "en_core_sci_md"
    )
    assert "a component 'abbreviation_detector' that is not here: install scispaCy (pip" in told(model_with_scispacy)


@pytest.mark.soak
def test_through_the_command(cli: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "r.csv", [{"uid": "a", "findings": "No lepidic focus.", "impression": ""}])
    told = cli("ingest", "preview", source, "--extractor", "scispacy", "--model", model, "--format", "json").stdout
    assert json.loads(told)[0]["observations"][0]["text"] == "lepidic focus"
    cli("ingest", "reports", source, "--extractor", "scispacy", "--model", model, "--no-embed", "--workers", "1")
    assert "scispacy/2+en_zorbic-0.0.1" in cli("status", "--format", "json").stdout
    done = cli("ingest", "reports", source, "--extractor", "scispacy", code=2)
    assert "pip install" in done.stderr
