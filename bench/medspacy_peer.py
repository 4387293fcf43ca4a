"""The peer of the mining bench, run by an interpreter of its own: medspaCy with its sentences, targets and ConText.

    python medspacy_peer.py TERMS.json TEXTS.json OUT.json

TERMS: [[term, label], ...], the target list. TEXTS: [text, ...]. OUT: seconds, and for each text the labels that are
stated of the patient now: neither negated, hypothetical nor of the family.
"""

import json
import sys
import time
from pathlib import Path

import medspacy
from loguru import logger
from medspacy.target_matcher import TargetRule


def main() -> None:
    """Read the files that are named, mine, and write what was found."""
    logger.remove()  # it logs every sentence, which would be counted against it
    terms, texts = (json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:3])
    pipeline = medspacy.load()
    pipeline.get_pipe("medspacy_target_matcher").add([TargetRule(term, label) for term, label in terms])
    for text in texts[:20]:
        pipeline(text)
    started = time.perf_counter()
    documents = [
        sorted(
            {
                entity.label_
                for entity in pipeline(text).ents
                if not (entity._.is_negated or entity._.is_hypothetical or entity._.is_family)
            }
        )
        for text in texts
    ]
    told = {"seconds": time.perf_counter() - started, "labels": documents, "version": medspacy.__version__}
    Path(sys.argv[3]).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
