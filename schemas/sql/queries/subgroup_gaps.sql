-- Which groups a run serves worst: for each label and grouping, the group with the best and with the worst AUROC.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- by text: only this grouping: sex, age_band, view, site or month
-- least int = 10: only groups with so many positives and so many negatives
--
-- Apart: whether the 95% intervals of the two do not touch. Among many groups some are far apart by chance.
WITH groups AS (
    SELECT *, {'auroc': auroc, 'value': value} AS place FROM metrics  -- of two equal ones, the name decides
    WHERE "by" IN ('sex', 'age_band', 'view', 'site', 'month') AND auroc IS NOT NULL
        AND positives >= $least AND negatives >= $least AND ($by IS NULL OR "by" = $by)
        AND ($run IS NULL OR run = $run) AND ($label IS NULL OR label_key(label) = label_key($label))
        AND ($source IS NULL OR source = $source)
)
SELECT run, label, source, "by", count(*) AS groups, arg_max(value, place) AS best, max(auroc) AS best_auroc,
    arg_max(n, place) AS best_n, arg_min(value, place) AS worst, min(auroc) AS worst_auroc,
    arg_min(n, place) AS worst_n, max(auroc) - min(auroc) AS gap,
    arg_max(auroc_low, place) > arg_min(auroc_high, place) AS apart
FROM groups
GROUP BY run, label, source, "by"
HAVING count(*) > 1
ORDER BY gap DESC, run, label, source, "by"
