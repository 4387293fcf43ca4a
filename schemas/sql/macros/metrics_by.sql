-- metrics_by(g, part := 'judged'): AUROC, counts and interval of every run, label and source within each value of g, a column
-- or expression; of the rows that may be judged, or of a part of the rows.
CREATE MACRO metrics_by(g, part := 'judged') AS TABLE
WITH rows AS (
    SELECT run, label, source, CAST(g AS VARCHAR) AS value, rank_by, truth FROM outcomes
    WHERE source IS NOT NULL AND of_part(split, judged, part)
),
-- One number for the four texts of a group: a million rows are sorted and counted by it in half the time.
names AS (SELECT row_number() OVER () AS number, * FROM (SELECT DISTINCT run, label, source, value FROM rows)),
steps AS (
    SELECT n.number, r.rank_by, count(*) FILTER (r.truth = 1) AS positives, count(*) FILTER (r.truth = 0) AS negatives,
        count(*) FILTER (r.truth IS NULL) AS unknown
    FROM rows r
    JOIN names n ON n.run = r.run AND n.label = r.label AND n.source = r.source AND n.value IS NOT DISTINCT FROM r.value
    GROUP BY n.number, r.rank_by
),
ranked AS (SELECT *, sum(positives) OVER (PARTITION BY number ORDER BY rank_by) - positives / 2 AS below FROM steps),
counted AS (
    SELECT number, sum(positives) AS positives, sum(negatives) AS negatives, sum(unknown) AS unknown,
        1 - sum(negatives * below) / nullif(sum(positives) * sum(negatives), 0) AS auroc
    FROM ranked GROUP BY number
),
sums AS (SELECT n.run, n.label, n.source, n.value, c.* EXCLUDE (number) FROM counted c JOIN names n USING (number)),
spread AS (
    SELECT *, sqrt(greatest(auroc * (1 - auroc) + (positives - 1) * (auroc / (2 - auroc) - auroc ** 2)
        + (negatives - 1) * (2 * auroc ** 2 / (1 + auroc) - auroc ** 2), 0) / (positives * negatives)) AS error
    FROM sums
)
SELECT run, label, source, value, CAST(positives + negatives AS BIGINT) AS n, CAST(positives AS BIGINT) AS positives,
    CAST(negatives AS BIGINT) AS negatives, CAST(unknown AS BIGINT) AS unknown, auroc,
    -- `greatest` and `least` pass over a NULL: without an AUROC there is no interval either.
    CASE WHEN auroc IS NOT NULL THEN greatest(auroc - 1.959964 * error, 0) END AS auroc_low,
    CASE WHEN auroc IS NOT NULL THEN least(auroc + 1.959964 * error, 1) END AS auroc_high
FROM spread;
