-- The predictions that are furthest on the wrong side of the threshold of their label.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- kind text: false positive or false negative
-- most int = 50: how many rows
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
SELECT run, label, source, CASE WHEN truth = 1 THEN 'false negative' ELSE 'false positive' END AS kind, image_id, study_id,
    patient_id, split, score, threshold, chosen_on, score - threshold AS margin, view, sex, age, site
FROM outcomes
WHERE decision <> (truth = 1) AND source IS NOT NULL AND of_part(split, judged, $split)
    AND ($kind IS NULL OR truth = CASE $kind WHEN 'false negative' THEN 1 WHEN 'false positive' THEN 0 END)
    AND ($run IS NULL OR run = $run) AND ($label IS NULL OR label_key(label) = label_key($label))
    AND ($source IS NULL OR source = $source)
ORDER BY abs(score - threshold) DESC, run, label, source, image_id, study_id
LIMIT $most
