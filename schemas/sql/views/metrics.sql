-- How well a run ranks a label, over all rows that it may be judged on and within groups of them; external rows apart.
--
-- run: the set of predictions
-- label: what is predicted
-- source: the source of labels that it is judged by
-- grouping: all, split, view, sex, age_band, site or month: what the rows are grouped by
-- value: which group of that; of all: all, or external, and external rows count in no other group but site and split
-- n: rows whose truth is known
-- positives: rows that hold the label
-- negatives: rows that do not
-- unknown: rows whose truth is unknown
-- auroc: area under the ROC curve; NULL without positives or without negatives
-- auroc_low: lower end of its 95% interval
-- auroc_high: upper end of it
--
-- Equal scores count half. The interval is the one that `clear-kb evaluate` prints: Newcombe's (2006), wider where a patient
-- has several images that are alike, and never one point alone. Rows that a run of ours was trained on stand under split
-- alone, as train and validation. Other groups, by any column or expression: FROM metrics_by(attributes['device']).
SELECT run, label, source, grouping, value, n, positives, negatives, unknown, auroc, auroc_low, auroc_high
FROM (
    SELECT 'all' AS grouping, * FROM metrics_by(CASE WHEN split = 'external' THEN 'external' ELSE 'all' END)
    UNION ALL
    SELECT 'split', * FROM metrics_by(split, part := 'all') WHERE value IS NOT NULL
    UNION ALL
    SELECT 'view', * FROM metrics_by(CASE WHEN split IS DISTINCT FROM 'external' THEN view END) WHERE value IS NOT NULL
    UNION ALL
    SELECT 'sex', * FROM metrics_by(CASE WHEN split IS DISTINCT FROM 'external' THEN sex END) WHERE value IS NOT NULL
    UNION ALL
    SELECT 'age_band', * FROM metrics_by(CASE WHEN split IS DISTINCT FROM 'external' THEN age_band END) WHERE value IS NOT NULL
    UNION ALL
    SELECT 'site', * FROM metrics_by(site) WHERE value IS NOT NULL
    UNION ALL
    SELECT 'month', * FROM metrics_by(CASE WHEN split IS DISTINCT FROM 'external' THEN month END) WHERE value IS NOT NULL
)
