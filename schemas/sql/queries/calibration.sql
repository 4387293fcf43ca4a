-- Whether scores mean what they say: in bins of equally many rows, the mean score beside the share of positives.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- bins int = 10: how many bins
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
--
-- Rows of one score stay in one bin. The error is the mean of the gaps, weighted by rows (expected calibration error).
WITH known AS (
    SELECT run, label, source, score, count(*) AS n, count(*) FILTER (truth = 1) AS positives
    FROM outcomes
    WHERE truth IS NOT NULL AND of_part(split, judged, $split) AND ($run IS NULL OR run = $run)
        AND ($label IS NULL OR label_key(label) = label_key($label)) AND ($source IS NULL OR source = $source)
    GROUP BY ALL
),
placed AS (
    SELECT *, 1 + $bins * (sum(n) OVER upto - n) // sum(n) OVER everything AS bin
    FROM known
    WINDOW everything AS (PARTITION BY run, label, source), upto AS (PARTITION BY run, label, source ORDER BY score)
),
bins AS (
    SELECT run, label, source, CAST(bin AS INTEGER) AS bin, CAST(sum(n) AS BIGINT) AS n,
        CAST(sum(positives) AS BIGINT) AS positives, min(score) AS lowest, max(score) AS highest,
        sum(n * score) / sum(n) AS mean_score, sum(positives) / sum(n) AS share
    FROM placed GROUP BY ALL
)
SELECT run, label, source, bin, n, positives, lowest, highest, mean_score, share, mean_score - share AS gap,
    sum(n * abs(mean_score - share)) OVER everything / sum(n) OVER everything AS error
FROM bins
WINDOW everything AS (PARTITION BY run, label, source)
ORDER BY run, label, source, bin
