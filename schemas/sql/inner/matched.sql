-- Each prediction beside its truth by each source of labels: what the view `outcomes` is before thresholds are chosen.
--
-- names: what the labels are compared as whose scores are meant
--
-- There may be millions: what is the same for all scores of an image stands in `score_units`, once.
WITH scores AS (
    SELECT n.series, n.name, n.here, u.number AS unit, u.image_id, u.study_id, u.said_patient, u.split, u.named,
        p.score, p.logit
    FROM stored.predictions p
    JOIN score_series n ON n.run = p.run AND n.label = p.label AND list_contains($names, n.name)
    JOIN score_units u ON u.image_id IS NOT DISTINCT FROM p.image_id AND u.named_study IS NOT DISTINCT FROM p.study_id
        AND u.named_patient IS NOT DISTINCT FROM p.patient_id
),
said AS (FROM truths WHERE list_contains($names, name)),
rows AS (
    SELECT s.*, t.source, t.value AS truth
    FROM scores s LEFT JOIN said t ON t.level = 'image' AND t.unit = s.image_id AND t.name = s.name
    WHERE s.image_id IS NOT NULL
    UNION ALL
    SELECT s.*, t.source, t.value
    FROM scores s LEFT JOIN said t ON t.level = 'study' AND t.unit = s.study_id AND t.name = s.name
        AND (t.patient_id IS NULL OR s.said_patient IS NULL OR t.patient_id = s.said_patient)
    WHERE s.image_id IS NULL
)
SELECT series, unit, source, score, logit, truth,
    NOT (here AND coalesce(split IN ('train', 'validation'), false)) AS judged,
    -- Of a run from elsewhere a drawn split says nothing: it learned and chose on none of these.
    coalesce(split = 'validation' AND (here OR named), false) AS validates
FROM rows
