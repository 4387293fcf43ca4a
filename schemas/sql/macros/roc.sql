-- roc(of_run, of_label, part := 'judged'): the steps of the ROC and the precision-recall curve of a run and label, by each
-- source: what calling positive from each score on comes to. NULL for all runs or labels.
CREATE MACRO roc(of_run, of_label, part := 'judged') AS TABLE
WITH steps AS (
    SELECT run, label, source, rank_by, min(score) AS threshold, sum(truth) AS positives, sum(1 - truth) AS negatives
    FROM outcomes
    WHERE source IS NOT NULL AND truth IS NOT NULL AND (of_run IS NULL OR run = of_run)
        AND (of_label IS NULL OR label_key(label) = label_key(of_label)) AND of_part(split, judged, part)
    GROUP BY ALL
),
sums AS (
    SELECT run, label, source, threshold, rank_by, sum(positives) OVER above AS hits, sum(negatives) OVER above AS alarms,
        sum(positives) OVER everything AS positives, sum(negatives) OVER everything AS negatives
    FROM steps
    WINDOW everything AS (PARTITION BY run, label, source),
        above AS (PARTITION BY run, label, source ORDER BY rank_by DESC)
)
SELECT run, label, source, threshold, (hits + alarms)::BIGINT AS called, hits / nullif(positives, 0) AS sensitivity,
    1 - alarms / nullif(negatives, 0) AS specificity, hits / (hits + alarms) AS precision
FROM sums ORDER BY run, label, source, rank_by DESC;
