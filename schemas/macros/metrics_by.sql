-- metrics_by(g): AUROC, counts and interval of every run, label and source within each value of g, a column or expression.
CREATE MACRO metrics_by(g) AS TABLE
WITH steps AS (
    SELECT run, label, source, CAST(g AS VARCHAR) AS value, rank_by, count(*) FILTER (truth = 1) AS positives,
        count(*) FILTER (truth = 0) AS negatives, count(*) FILTER (truth IS NULL) AS unknown
    FROM outcomes WHERE source IS NOT NULL GROUP BY ALL
),
ranked AS (
    SELECT *, sum(positives) OVER (PARTITION BY run, label, source, value ORDER BY rank_by) - positives / 2 AS below
    FROM steps
),
sums AS (
    SELECT run, label, source, value, sum(positives) AS positives, sum(negatives) AS negatives, sum(unknown) AS unknown,
        1 - sum(negatives * below) / nullif(sum(positives) * sum(negatives), 0) AS auroc
    FROM ranked GROUP BY ALL
),
spread AS (
    SELECT *, sqrt(greatest(auroc * (1 - auroc) + (positives - 1) * (auroc / (2 - auroc) - auroc ** 2)
        + (negatives - 1) * (2 * auroc ** 2 / (1 + auroc) - auroc ** 2), 0) / (positives * negatives)) AS error
    FROM sums
)
SELECT run, label, source, value, CAST(positives + negatives AS BIGINT) AS n, CAST(positives AS BIGINT) AS positives,
    CAST(negatives AS BIGINT) AS negatives, CAST(unknown AS BIGINT) AS unknown, auroc,
    greatest(auroc - 1.959964 * error, 0) AS auroc_low, least(auroc + 1.959964 * error, 1) AS auroc_high
FROM spread;
