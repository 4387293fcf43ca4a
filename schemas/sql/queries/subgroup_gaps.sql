-- Which groups a run serves worst: for each label and grouping, the group with the best and with the worst AUROC.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- by text: only this grouping: sex, age_band, view, site, month or an attribute; default: these five
-- least int = 10: only groups with so many positives and so many negatives
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
--
-- Apart: whether the 95% intervals of the two do not touch. Among many groups some are far apart by chance.
WITH rated AS (
    SELECT 'sex' AS grouping, *
    FROM metrics_by(CASE WHEN split IS DISTINCT FROM 'external' THEN sex END, part := $split) WHERE $by IS NULL
    UNION ALL
    SELECT 'age_band', *
    FROM metrics_by(CASE WHEN split IS DISTINCT FROM 'external' THEN age_band END, part := $split) WHERE $by IS NULL
    UNION ALL
    SELECT 'view', *
    FROM metrics_by(CASE WHEN split IS DISTINCT FROM 'external' THEN view END, part := $split) WHERE $by IS NULL
    UNION ALL
    SELECT 'site', * FROM metrics_by(site, part := $split) WHERE $by IS NULL
    UNION ALL
    SELECT 'month', *
    FROM metrics_by(CASE WHEN split IS DISTINCT FROM 'external' THEN month END, part := $split) WHERE $by IS NULL
    UNION ALL
    SELECT $by, * FROM metrics_by(group_value($by, split, site, view, sex, age_band, month, attributes), part := $split)
    WHERE $by IS NOT NULL
),
groups AS (
    SELECT *, {'auroc': auroc, 'value': value} AS place FROM rated  -- of two equal ones, the name decides
    WHERE value IS NOT NULL AND auroc IS NOT NULL AND positives >= $least AND negatives >= $least
        AND ($run IS NULL OR run = $run) AND ($label IS NULL OR label_key(label) = label_key($label))
        AND ($source IS NULL OR source = $source)
)
SELECT run, label, source, grouping, count(*) AS groups, arg_max(value, place) AS best, max(auroc) AS best_auroc,
    arg_max(n, place) AS best_n, arg_min(value, place) AS worst, min(auroc) AS worst_auroc,
    arg_min(n, place) AS worst_n, max(auroc) - min(auroc) AS gap,
    arg_max(auroc_low, place) > arg_min(auroc_high, place) AS apart
FROM groups
GROUP BY run, label, source, grouping
HAVING count(*) > 1
ORDER BY gap DESC, run, label, source, grouping
