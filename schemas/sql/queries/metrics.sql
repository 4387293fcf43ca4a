-- How well each run ranks each label: AUROC with its interval, over all rows or within groups of them.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- by text = all: all, split, view, sex, age_band, site or month: what rows are grouped by
SELECT run, label, source, "by", value, n, positives, negatives, unknown, auroc, auroc_low, auroc_high
FROM metrics
WHERE ($run IS NULL OR run = $run) AND ($label IS NULL OR label_key(label) = label_key($label))
    AND ($source IS NULL OR source = $source) AND ($by IS NULL OR "by" = $by)
ORDER BY run, label, source, "by", value
