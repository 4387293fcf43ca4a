-- calibration_by(g, part := 'judged'): whether scores mean what they say within each value of g: mean score beside prevalence,
-- their gap, Brier score, and the expected calibration error over ten bins of equally many rows.
CREATE MACRO calibration_by(g, part := 'judged') AS TABLE
WITH known AS (
    SELECT run, label, source, CAST(g AS VARCHAR) AS value, score, count(*) AS n, sum(truth) AS positives
    FROM outcomes WHERE source IS NOT NULL AND truth IS NOT NULL AND of_part(split, judged, part)
    GROUP BY ALL
),
placed AS (
    SELECT *, 10 * (sum(n) OVER upto - n) // sum(n) OVER everything AS bin
    FROM known
    WINDOW everything AS (PARTITION BY run, label, source, value),
        upto AS (PARTITION BY run, label, source, value ORDER BY score)
),
bins AS (
    SELECT run, label, source, value, bin, sum(n) AS n, sum(positives) AS positives, sum(n * score) AS scores,
        sum(positives * (1 - score) ** 2 + (n - positives) * score ** 2) AS squares
    FROM placed GROUP BY ALL
)
SELECT run, label, source, value, sum(n)::BIGINT AS n, sum(positives)::BIGINT AS positives,
    sum(scores) / sum(n) AS mean_score, sum(positives) / sum(n) AS prevalence,
    (sum(scores) - sum(positives)) / sum(n) AS gap, sum(squares) / sum(n) AS brier,
    sum(abs(scores - positives)) / sum(n) AS ece
FROM bins GROUP BY run, label, source, value;
