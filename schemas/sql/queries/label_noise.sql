-- Labels that may be wrong: every run is on the other side of its threshold, the most confident first.
--
-- label text: only this label
-- source text: only by this source of labels
-- least int = 1: only rows that so many runs speak of
-- most int = 50: how many rows
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
--
-- Doubt is the mean over runs of the share of the run's rows that lie nearer to the label than this one does.
WITH placed AS (
    SELECT label_key(label) AS name, run, source, image_id, study_id, patient_id, truth, score, decision,
        percent_rank() OVER (PARTITION BY run, label, source ORDER BY rank_by) AS below, label
    FROM outcomes
    WHERE truth IS NOT NULL AND ($label IS NULL OR label_key(label) = label_key($label))
        AND ($source IS NULL OR source = $source) AND of_part(split, judged, $split)
),
judged AS (
    SELECT *, decision <> (truth = 1) AS wrong, CASE WHEN truth = 1 THEN 1 - below ELSE below END AS doubt
    FROM placed WHERE decision IS NOT NULL
)
SELECT min(label) AS label, source, image_id, min(study_id) AS study_id, min(patient_id) AS patient_id, truth,
    count(*) AS runs, avg(doubt) AS doubt, min(score) AS lowest_score, max(score) AS highest_score
FROM judged
GROUP BY name, source, image_id, coalesce(image_id, study_id), truth
HAVING bool_and(wrong) AND count(*) >= $least
ORDER BY doubt DESC, label, source, study_id, image_id
LIMIT $most
