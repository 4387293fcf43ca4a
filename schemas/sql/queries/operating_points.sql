-- The threshold of each label, how it was chosen, and what its decisions come to on the rows that it may be judged on.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
--
-- `judged_on` names the splits of the n rows: "test" of a run that was trained here, else all but the rows that chose the
-- threshold. External rows are not among them: `confusion` has these. Per 100 images or studies: how many alerts there are.
SELECT t.run, t.label, t.source, t.threshold, t.chosen_on, t.positives AS chosen_by, t.lowest, t.highest,
    j.judged_on, c.n, c.tp + c.fn AS positives, j.patients, c.sensitivity, c.sensitivity_low, c.sensitivity_high, c.specificity, c.specificity_low, c.specificity_high,
    c.ppv, c.ppv_low, c.ppv_high, c.npv, c.npv_low, c.npv_high, c.alerts_per_100, c.alerts_per_100_low,
    c.alerts_per_100_high, t.warning
FROM thresholds t
LEFT JOIN confusion_by(CASE WHEN split IS DISTINCT FROM 'external' THEN 'own' END) c
    ON c.run = t.run AND c.label = t.label AND c.source = t.source AND c.value IS NOT NULL
LEFT JOIN (
    SELECT run, label, source, array_to_string(list_sort(list(DISTINCT coalesce(split, 'no split'))), ', ') AS judged_on,
        count(DISTINCT owner) AS patients
    FROM outcomes WHERE judged AND split IS DISTINCT FROM 'external' AND truth IS NOT NULL AND decision IS NOT NULL
    GROUP BY ALL
) j ON j.run = t.run AND j.label = t.label AND j.source = t.source
WHERE ($run IS NULL OR t.run = $run) AND ($label IS NULL OR label_key(t.label) = label_key($label))
    AND ($source IS NULL OR t.source = $source)
ORDER BY t.run, t.label, t.source
