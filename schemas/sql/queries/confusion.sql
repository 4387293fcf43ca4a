-- What the decisions of each run come to: hits, misses, alarms, and the rates they make with their intervals.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- by text = all: all, split, view, sex, age_band, site, month or an attribute: what rows are grouped by
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
--
-- At the threshold that the view `thresholds` tells of: the same in all groups. Intervals are Wilson's, with patients as
-- clusters: those of several images count for less.
SELECT c.run, c.label, c.source, $by AS grouping, c.* EXCLUDE (run, label, source)
FROM confusion_by(group_value($by, split, site, view, sex, age_band, month, attributes), part := $split) c
WHERE c.value IS NOT NULL AND ($run IS NULL OR c.run = $run)
    AND ($label IS NULL OR label_key(c.label) = label_key($label)) AND ($source IS NULL OR c.source = $source)
ORDER BY c.run, c.label, c.source, c.value
