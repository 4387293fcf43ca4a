-- decision_curve(of_run, of_label, part := 'judged'): net benefit of treating by a run's scores, of treating all and none, at
-- threshold probabilities of 0.01 to 0.99 (Vickers and Elkin 2006); it is told of probabilities. NULL for all runs or labels.
CREATE MACRO decision_curve(of_run, of_label, part := 'judged') AS TABLE
WITH known AS (
    -- The step under a score, in whole hundredths; what rounding has put on the wrong side is put right.
    SELECT run, label, source, score, truth, floor(score * 100)::INTEGER AS about
    FROM outcomes
    WHERE source IS NOT NULL AND truth IS NOT NULL AND (of_run IS NULL OR run = of_run)
        AND (of_label IS NULL OR label_key(label) = label_key(of_label)) AND of_part(split, judged, part)
),
steps AS (
    SELECT run, label, source, about + CASE WHEN (about + 1) / 100 <= score THEN 1 WHEN about / 100 > score THEN -1 ELSE 0 END
        AS step, sum(truth) AS positives, sum(1 - truth) AS negatives
    FROM known GROUP BY ALL
),
totals AS (
    SELECT run, label, source, sum(positives) AS positives, sum(negatives) AS negatives FROM steps GROUP BY run, label, source
),
called AS (
    SELECT t.run, t.label, t.source, p.step, p.step / 100 AS probability, t.positives, t.negatives,
        coalesce(sum(s.positives), 0) AS hits, coalesce(sum(s.negatives), 0) AS alarms
    FROM totals t CROSS JOIN (SELECT unnest(range(1, 100)) AS step) p
    LEFT JOIN steps s ON s.run = t.run AND s.label = t.label AND s.source = t.source AND s.step >= p.step
    GROUP BY ALL
)
SELECT run, label, source, probability, (positives + negatives)::BIGINT AS n,
    (hits - alarms * probability / (1 - probability)) / (positives + negatives) AS net_benefit,
    (positives - negatives * probability / (1 - probability)) / (positives + negatives) AS net_benefit_of_all,
    0::DOUBLE AS net_benefit_of_none, 100 * (hits + alarms) / (positives + negatives) AS alerts_per_100
FROM called ORDER BY run, label, source, step;
