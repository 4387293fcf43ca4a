-- How well each run ranks each label: AUROC with its interval, over all rows or within groups of them.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- by text = all: all, split, view, sex, age_band, site, month or an attribute: what rows are grouped by
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
SELECT run, label, source, $by AS grouping, value, n, positives, negatives, unknown, auroc, auroc_low, auroc_high
FROM metrics_by(group_value($by, split, site, view, sex, age_band, month, attributes), part := $split)
WHERE value IS NOT NULL AND ($run IS NULL OR run = $run) AND ($label IS NULL OR label_key(label) = label_key($label))
    AND ($source IS NULL OR source = $source)
ORDER BY run, label, source, value
