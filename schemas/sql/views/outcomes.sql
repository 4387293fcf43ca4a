-- One prediction beside what is held to be true, once for each source of labels; once, without a source, where none speaks.
--
-- run: the set of predictions
-- label: what is predicted
-- source: the source of labels that speaks of it
-- image_id: the image, or NULL where the prediction is of a study
-- study_id: the study
-- patient_id: the patient, where it is known
-- owner: who keeps rows together: the patient, else the study, else the image
-- split: train, validation or test, by its owner
-- score: between 0 and 1
-- logit: what the score is the sigmoid of, where there is one
-- rank_by: the logit where all of the run's have one for this label, else the score: what rows are ordered by
-- truth: 1, 0, or NULL where it is unknown
-- view: of the image
-- sex: of the patient
-- age: years
-- age_band: 0-17, 18-39, 40-59, 60-79 or 80+
-- site: where the image was taken
-- month: when: "2020-03"
-- attributes: what else is said of the image or study: attributes['device']
WITH names AS (
    SELECT run, label, label_key(label) AS name, count(*) = count(logit) AS by_logit
    FROM stored.predictions GROUP BY run, label
),
rows AS (
    SELECT p.run, p.label, n.by_logit, p.image_id, coalesce(p.study_id, i.study_id) AS study_id,
        w.patient_id, w.owner, p.score, p.logit,
        t.source, t.value AS truth, i.view, i.sex, i.age, i.age_band, i.site, i.month, i.attributes
    FROM stored.predictions p
    JOIN names n ON n.run = p.run AND n.label = p.label
    LEFT JOIN images i ON i.image_id = p.image_id
    LEFT JOIN truths t ON t.level = 'image' AND t.unit = p.image_id AND t.name = n.name
    LEFT JOIN stored.patients w ON w.level = 'image' AND w.unit = p.image_id
    WHERE p.image_id IS NOT NULL
    UNION ALL
    SELECT p.run, p.label, n.by_logit, p.image_id, p.study_id, coalesce(p.patient_id, s.patient_id, w.patient_id),
        coalesce(p.patient_id, s.patient_id, w.patient_id, p.study_id), p.score, p.logit, t.source, t.value, NULL, s.sex, s.age, s.age_band, s.site, s.month, s.attributes
    FROM stored.predictions p
    JOIN names n ON n.run = p.run AND n.label = p.label
    LEFT JOIN studies s ON s.study_id = p.study_id
    LEFT JOIN truths t ON t.level = 'study' AND t.unit = p.study_id AND t.name = n.name
        AND (t.patient_id IS NULL OR coalesce(p.patient_id, s.patient_id) IS NULL
            OR t.patient_id = coalesce(p.patient_id, s.patient_id))
    LEFT JOIN stored.patients w ON w.level = 'study' AND w.unit = p.study_id
    WHERE p.image_id IS NULL
)
SELECT r.run, r.label, r.source, r.image_id, r.study_id, r.patient_id, r.owner, o.split, r.score, r.logit,
    CASE WHEN r.by_logit THEN r.logit ELSE r.score END AS rank_by, r.truth, r.view, r.sex, r.age, r.age_band, r.site,
    r.month, r.attributes
FROM rows r LEFT JOIN stored.owners o ON o.owner = r.owner
