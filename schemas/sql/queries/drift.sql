-- What is other between two sites or months: prevalence, scores, AUROC and the share above the threshold in each.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- by text = site: site, month, view, sex, age_band, split or an attribute: what the two are groups of
-- a text: one group; default: the first month; of other groups, of the two with most rows the first by name
-- b text: the other; default: the last month, or the other of these two
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
WITH rows AS (
    SELECT run, label, source, score, truth,
        decision, group_value($by, split, site, view, sex, age_band, month, attributes) AS value
    FROM outcomes
    WHERE ($run IS NULL OR run = $run) AND ($label IS NULL OR label_key(label) = label_key($label))
        AND ($source IS NULL OR source = $source) AND of_part(split, judged, $split)
),
largest AS (
    SELECT value FROM rows WHERE value IS NOT NULL AND ($a IS NULL OR value <> $a) AND ($b IS NULL OR value <> $b)
    GROUP BY value ORDER BY count(*) DESC, value
    LIMIT CASE WHEN $a IS NULL THEN 1 ELSE 0 END + CASE WHEN $b IS NULL THEN 1 ELSE 0 END
),
ends AS (
    SELECT min(value) AS earliest, max(value) AS latest FROM rows
    WHERE ($a IS NULL OR value <> $a) AND ($b IS NULL OR value <> $b)
),
pair AS (
    SELECT coalesce($a, CASE $by WHEN 'month' THEN earliest ELSE (SELECT min(value) FROM largest) END) AS a,
        coalesce($b, CASE $by WHEN 'month' THEN latest ELSE (SELECT max(value) FROM largest) END) AS b
    FROM ends
),
here AS (
    SELECT r.run, r.label, r.source, r.value, count(*) AS n, avg(r.truth) AS prevalence, avg(r.score) AS mean_score,
        avg(r.decision::INTEGER) AS above
    FROM rows r
    WHERE r.value IN (SELECT unnest([a, b]) FROM pair)
    GROUP BY r.run, r.label, r.source, r.value
),
told AS (
    SELECT h.*, m.auroc
    FROM here h
    LEFT JOIN metrics_by(group_value($by, split, site, view, sex, age_band, month, attributes), part := $split) m
        ON m.run = h.run AND m.label = h.label AND m.source = h.source AND m.value = h.value
)
SELECT one.run, one.label, one.source, one.value AS a, two.value AS b, one.n AS n_a, two.n AS n_b,
    one.prevalence AS prevalence_a, two.prevalence AS prevalence_b, one.mean_score AS mean_score_a,
    two.mean_score AS mean_score_b, one.auroc AS auroc_a, two.auroc AS auroc_b, two.auroc - one.auroc AS auroc_change,
    one.above AS above_a, two.above AS above_b
FROM pair
JOIN told one ON one.value = pair.a
JOIN told two ON two.value = pair.b AND two.run = one.run AND two.label = one.label
    AND coalesce(two.source, '') = coalesce(one.source, '')
ORDER BY abs(two.auroc - one.auroc) DESC NULLS LAST, one.run, one.label, one.source
