"""`make bench`: every measurement, as one table and in bench/RESULTS.md; `python -m bench mining` runs one of them."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from bench import (
    accuracy,
    busy_core,
    commands,
    confounders,
    coverage,
    curation_session,
    deidentification,
    drift,
    duplicates,
    explained_sides,
    explanation,
    foreign_vectors,
    gradients,
    growth,
    heatmaps,
    label_tables,
    memory,
    mesh_agreement,
    metrics,
    million,
    mining,
    negex,
    object_store,
    planted,
    precision,
    probe,
    projection,
    published,
    real_images,
    real_pipeline,
    search,
    segments,
    serving_load,
    startup,
    training,
    vocabulary,
    vocabulary_size,
    workbench_load,
)
from bench.audit_peers import compare
from bench.measure import Row
from bench.results import RESULTS, write_results

BENCHES = {
    "startup": startup.run,
    "commands": commands.run,
    "mining": mining.run,
    "accuracy": accuracy.run,
    "scispacy": real_pipeline.run,
    "mesh_agreement": mesh_agreement.run,
    "negex": negex.run,
    "deidentification": deidentification.run,
    "vocabulary": vocabulary.run,
    "memory": memory.run,
    "label_tables": label_tables.run,
    "duplicates": duplicates.run,
    "search": search.run,
    "vocabulary_size": vocabulary_size.run,
    "projection": projection.run,
    "published": published.run,
    "explanation": explanation.run,
    "explained_sides": explained_sides.run,
    "heatmaps": heatmaps.run,
    "training": training.run,
    "precision": precision.run,
    "gradients": gradients.run,
    "busy_core": busy_core.run,
    "metrics": metrics.run,
    "confounders": confounders.run,
    "coverage": coverage.run,
    "planted": planted.run,
    "probe": probe.run,
    "real_images": real_images.run,
    "audit_peers": compare.run,
    "drift": drift.run,
    "foreign_vectors": foreign_vectors.run,
    "segments": segments.run,
    "million": million.run,
    "curation_session": curation_session.run,
    "object_store": object_store.run,
    "workbench_load": workbench_load.run,
    "serving_load": serving_load.run,
    "growth": growth.run,
}


def main(names: list[str]) -> None:
    """Run the benches named (default: all), print their rows, and write them into their sections of RESULTS.md."""
    unknown = set(names) - set(BENCHES)
    if unknown:
        sys.exit(f"there is no bench {', '.join(sorted(unknown))}: choose of {', '.join(BENCHES)}")
    table = Table("what", "ratio", "range over rounds", "against", box=None, header_style="bold")
    measured: dict[str, list[Row]] = {}
    for name in names or BENCHES:
        measured[name] = BENCHES[name]()
        for row in measured[name]:
            table.add_row(row.what, row.value, row.spread, row.against)
    Console(width=140).print(table)
    write_results(measured)
    print(f"written into {RESULTS}")


if __name__ == "__main__":
    main(sys.argv[1:])
