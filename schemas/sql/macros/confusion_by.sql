-- confusion_by(g, part := 'judged'): what the decisions of every run, label and source come to within each value of g: counts,
-- sensitivity, specificity, PPV, NPV and alerts per 100 rows with 95% intervals; of the rows that may be judged, or a part.
CREATE MACRO confusion_by(g, part := 'judged') AS TABLE
WITH patients AS (
    SELECT run, label, source, CAST(g AS VARCHAR) AS value, owner,
        count(*) FILTER (decision AND truth = 1) AS hits, count(*) FILTER (decision AND truth = 0) AS alarms,
        count(*) FILTER (NOT decision AND truth = 1) AS misses, count(*) FILTER (NOT decision AND truth = 0) AS passes
    FROM outcomes
    WHERE source IS NOT NULL AND truth IS NOT NULL AND decision IS NOT NULL AND of_part(split, judged, part)
    GROUP BY ALL
),
counted AS (
    SELECT run, label, source, value, count(*) AS patients, sum(hits)::BIGINT AS tp, sum(alarms)::BIGINT AS fp,
        sum(misses)::BIGINT AS fn, sum(passes)::BIGINT AS tn, share_over(hits + misses, hits) AS sensitivity,
        share_over(alarms + passes, passes) AS specificity, share_over(hits + alarms, hits) AS ppv,
        share_over(passes + misses, passes) AS npv,
        share_over(hits + alarms + misses + passes, hits + alarms) AS alerts
    FROM patients GROUP BY run, label, source, value
)
SELECT c.run, c.label, c.source, c.value, t.threshold, t.chosen_on, c.tp + c.fp + c.fn + c.tn AS n, c.patients, c.tp, c.fp,
    c.fn, c.tn, c.sensitivity.value AS sensitivity, c.sensitivity.low AS sensitivity_low,
    c.sensitivity.high AS sensitivity_high, c.specificity.value AS specificity, c.specificity.low AS specificity_low,
    c.specificity.high AS specificity_high, c.ppv.value AS ppv, c.ppv.low AS ppv_low, c.ppv.high AS ppv_high,
    c.npv.value AS npv, c.npv.low AS npv_low, c.npv.high AS npv_high, 100 * c.alerts.value AS alerts_per_100,
    100 * c.alerts.low AS alerts_per_100_low, 100 * c.alerts.high AS alerts_per_100_high
FROM counted c JOIN thresholds t ON t.run = c.run AND t.label = c.label AND t.source = c.source;
