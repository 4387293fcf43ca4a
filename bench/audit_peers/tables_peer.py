"""Deepchecks, Fairlearn and Cleanlab on a case, run in their own environment: CASE.npz TOOL OUT.json.

What comes out is a list of segments, the worst first: which rows each holds, and whether the tool itself calls it by
what it offers for that (Deepchecks: its condition at the default; Fairlearn: an interval of 25 resamples that lies
beyond that of all rows; Cleanlab: its threshold at the default).
"""

import json
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

MOST = 50


def main(case, tool, out):
    found = dict(np.load(case, allow_pickle=False))
    table = pd.DataFrame({name[5:]: column for name, column in found.items() if name.startswith("attr_")})
    started = time.process_time()
    segments = TOOLS[tool](table, found["truth"], found["score"], found)
    taken = time.process_time() - started
    Path(out).write_text(json.dumps({"seconds": taken, "segments": segments[:MOST]}))


def deepchecks(table, truth, score, _):
    from deepchecks.core.errors import DeepchecksProcessError
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.checks import WeakSegmentsPerformance

    texts = [name for name in table if table[name].dtype == object]
    data = Dataset(table, label=pd.Series(truth.astype(int), name="truth"), cat_features=texts)
    check = WeakSegmentsPerformance(n_top_features=len(table.columns), segment_minimum_size_ratio=0.03)
    check.add_condition_segments_relative_performance_greater_than()
    try:
        result = check.run(data, y_proba=np.c_[1 - score, score], y_pred=(score >= 0.5).astype(int))
    except DeepchecksProcessError:  # it says so where its model of errors learns nothing: it names no segment
        return []
    called = not result.conditions_results[0].is_pass()
    listed = result.value["weak_segments_list"]
    whole = result.value["avg_score"]
    name = next(column for column in listed if column.endswith("Score"))
    return [
        {"rows": sorted(map(int, row["Samples in Segment"])), "called": bool(called and row[name] < 0.8 * whole)}
        for _, row in listed.sort_values(name).iterrows()
    ]


def fairlearn(table, truth, score, _):
    from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate

    cut = table.copy()
    for name in table:
        if table[name].dtype != object:
            cut[name] = pd.qcut(table[name], 4, duplicates="drop").astype(str)
    said = (score >= 0.5).astype(int)
    rates = {"missed": false_negative_rate, "false alarms": false_positive_rate}
    segments = []
    for names in [*((name,) for name in cut), *combinations(cut, 2)]:
        frame = MetricFrame(
            metrics=rates,
            y_true=truth.astype(int),
            y_pred=said,
            sensitive_features=cut[list(names)],
            n_boot=25,
            ci_quantiles=[0.025, 0.975],
            random_state=0,
        )
        low, over = frame.by_group_ci[0], frame.overall_ci[1]
        for group, row in frame.by_group.iterrows():
            values = group if isinstance(group, tuple) else (group,)
            rows = np.flatnonzero(np.logical_and.reduce([cut[n] == v for n, v in zip(names, values, strict=True)]))
            worst = max(rates, key=lambda rate: row[rate] - frame.overall[rate])
            segments.append(
                {
                    "rows": rows.tolist(),
                    "worse": float(np.nan_to_num(row[worst] - frame.overall[worst])),
                    "called": bool(low.loc[group][worst] > over[worst]),
                }
            )
    return sorted(segments, key=lambda one: (not one["called"], -one["worse"]))


def cleanlab(_, truth, score, found):
    from cleanlab import Datalab
    from datasets import Dataset
    from PIL import Image

    pictures = [Image.fromarray(one) for one in found["pictures"]]
    data = Dataset.from_dict({"image": pictures, "label": truth.astype(int).tolist()})
    lab = Datalab(data, label_name="label", image_key="image", verbosity=0)
    lab.find_issues()
    told = lab.get_info("spurious_correlations")
    scores = told["correlations_df"].sort_values("score")
    limit = told.get("threshold", 0.3)
    return [
        {"property": row["property"], "rows": [], "called": bool(row["score"] < limit)} for _, row in scores.iterrows()
    ]


TOOLS = {"deepchecks": deepchecks, "fairlearn": fairlearn, "cleanlab": cleanlab}

if __name__ == "__main__":
    main(*sys.argv[1:])
