-- metrics_by(g, part := 'judged'): AUROC, counts and interval of every run, label and source within each value of g, a column
-- or expression; of the rows that may be judged, or of a part of the rows.
CREATE MACRO metrics_by(g, part := 'judged') AS TABLE
WITH rows AS (
    SELECT run, label, source, CAST(g AS VARCHAR) AS value, owner, rank_by, truth FROM outcomes
    WHERE source IS NOT NULL AND of_part(split, judged, part)
),
-- One number for the four texts of a group: a million rows are sorted and counted by it in half the time.
names AS (SELECT row_number() OVER () AS number, * FROM (SELECT DISTINCT run, label, source, value FROM rows)),
numbered AS (
    SELECT n.number, r.owner, r.rank_by, r.truth, 1 - r.truth AS untruth
    FROM rows r
    JOIN names n ON n.run = r.run AND n.label = r.label AND n.source = r.source AND n.value IS NOT DISTINCT FROM r.value
),
-- Of each row twice the number of rows of the other truth that rank below it; one that ranks alike counts half.
ranked AS (
    SELECT number, owner, truth, CASE truth WHEN 1 THEN 2 * sum(untruth) OVER upto - sum(untruth) OVER alike
        WHEN 0 THEN 2 * sum(truth) OVER upto - sum(truth) OVER alike END::BIGINT AS below
    FROM numbered
    WINDOW upto AS (PARTITION BY number ORDER BY rank_by),
        alike AS (PARTITION BY number ORDER BY rank_by RANGE BETWEEN CURRENT ROW AND CURRENT ROW)
),
-- Patients: their positives and negatives, and what was counted of these, summed.
owners AS (
    SELECT number, count(*) - count(truth) AS unknown, count(*) FILTER (truth = 1) AS p, count(*) FILTER (truth = 0) AS n,
        coalesce(sum(below) FILTER (truth = 1), 0) AS below_p, coalesce(sum(below) FILTER (truth = 0), 0) AS below_n,
        sum(below * below) FILTER (truth = 1) AS squares_p, sum(below * below) FILTER (truth = 0) AS squares_n
    FROM ranked GROUP BY number, owner
),
counted AS (
    SELECT number, sum(p) AS positives, sum(n) AS negatives, sum(unknown) AS unknown,
        sum(below_p) / nullif(2 * sum(p) * sum(n), 0) AS auroc, count(*) FILTER (p + n > 0) AS patients,
        count(*) FILTER (p > 0) AS patients_p, count(*) FILTER (n > 0) AS patients_n,
        greatest(sum(p * p) / nullif(sum(p), 0), sum(n * n) / nullif(sum(n), 0), 1) AS largest,
        -- Whole numbers up to here: where nothing is spread there is 0, and not nearly 0.
        (sum(p) * sum(squares_p) - sum(below_p) * sum(below_p)) / nullif(4 * (sum(p) - 1) * (sum(p) * sum(n))::DOUBLE ** 2, 0) AS spread_p,
        (sum(n) * sum(squares_n) - sum(below_n) * sum(below_n)) / nullif(4 * (sum(n) - 1) * (sum(p) * sum(n))::DOUBLE ** 2, 0) AS spread_n
    FROM owners GROUP BY number
),
-- The squares of what patients bring to the AUROC, summed: Obuchowski's variance (1997) but for a factor.
patients AS (
    SELECT o.number, sum(((o.below_p / (2 * c.negatives) - c.auroc * o.p) / c.positives
        + ((1 - c.auroc) * o.n - o.below_n / (2 * c.positives)) / c.negatives) ** 2) AS squares
    FROM owners o JOIN counted c USING (number) GROUP BY o.number
),
spread AS (
    SELECT *, spread_p + spread_n AS independent, auroc_variance(auroc, positives, negatives) AS expected,
        patients = positives + negatives AS alone
    FROM counted JOIN patients USING (number)
),
widened AS (
    SELECT *, CASE WHEN least(positives, negatives) < 2 THEN 1 WHEN independent <= 0 OR expected <= 0 THEN largest
            ELSE greatest(1, independent / expected) * CASE WHEN alone THEN 1
                ELSE greatest(1, squares * patients / greatest(patients - 1, 1) / independent) END END AS factor,
        t_quantile(CASE WHEN alone OR least(positives, negatives) < 2 OR independent <= 0 OR expected <= 0 THEN 'infinity'::DOUBLE
            ELSE independent ** 2 / (spread_p ** 2 / greatest(patients_p - 1, 1) + spread_n ** 2 / greatest(patients_n - 1, 1)) END)
            AS quantile
    FROM spread
)
SELECT n.run, n.label, n.source, n.value, CAST(positives + negatives AS BIGINT) AS n, CAST(positives AS BIGINT) AS positives,
    CAST(negatives AS BIGINT) AS negatives, CAST(unknown AS BIGINT) AS unknown, auroc,
    CASE WHEN auroc IS NOT NULL THEN auroc_end(auroc, 0, positives, negatives, factor, quantile) END AS auroc_low,
    CASE WHEN auroc IS NOT NULL THEN auroc_end(auroc, 1, positives, negatives, factor, quantile) END AS auroc_high
FROM widened JOIN names n USING (number);
