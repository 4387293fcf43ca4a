-- How well a run ranks a label, over all rows and within each group of them, by each source of labels; external rows apart.
--
-- run: the set of predictions
-- label: what is predicted
-- source: the source of labels that it is judged by
-- by: all, split, view, sex, age_band, site or month: what the rows are grouped by
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
-- has several images that are alike, and never one point alone. Rows that a run was trained on count too. Some rows alone, by anything:
-- FROM metrics_by(CASE WHEN split = 'test' THEN site END).
SELECT run, label, source, "by", value, n, positives, negatives, unknown, auroc, auroc_low, auroc_high
FROM (
    SELECT 'all' AS "by", * FROM metrics_by(CASE WHEN split = 'external' THEN 'external' ELSE 'all' END)
    UNION ALL
    SELECT 'split', * FROM metrics_by(split) WHERE value IS NOT NULL
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
