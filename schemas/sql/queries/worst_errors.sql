-- The predictions that are furthest on the wrong side of the threshold of their label.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- kind text: false positive or false negative
-- most int = 50: how many rows
SELECT run, label, source, kind, image_id, study_id, patient_id, split, score, threshold, chosen_on, margin, view, sex,
    age, site
FROM errors
WHERE ($run IS NULL OR run = $run) AND ($label IS NULL OR label_key(label) = label_key($label))
    AND ($source IS NULL OR source = $source) AND ($kind IS NULL OR kind = $kind)
ORDER BY abs(margin) DESC, run, label, source, image_id, study_id
LIMIT $most
