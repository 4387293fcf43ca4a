-- One prediction beside what is held to be true, once for each source of labels; once, with no source, where none speaks.
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
-- rank_by: the logit where the run has one, else the score: what rows are ordered by
-- truth: 1, 0, or NULL where it is unknown
-- view: of the image
-- sex: of the patient
-- age: years
-- age_band: 0-17, 18-39, 40-59, 60-79 or 80+
-- site: where the image was taken
-- month: when
WITH studies AS (
    SELECT study_id, min(patient_id) AS patient_id, any_value(sex) AS sex, any_value(age) AS age,
        any_value(site) AS site, any_value(month) AS month
    FROM images WHERE study_id IS NOT NULL
    -- "study1" of two patients is no study that anything could be matched by
    GROUP BY study_id HAVING count(DISTINCT patient_id) < 2
),
names AS (SELECT label, label_name(label) AS name FROM (SELECT DISTINCT label FROM stored.predictions)),
of_images AS (
    SELECT p.run, p.label, p.image_id, coalesce(p.study_id, i.study_id) AS study_id,
        coalesce(p.patient_id, i.patient_id, t.patient_id) AS patient_id, p.score, p.logit,
        t.source, t.value AS truth, i.view, i.sex, i.age, i.age_band, i.site, i.month
    FROM stored.predictions p
    JOIN names n ON n.label = p.label
    LEFT JOIN images i ON i.image_id = p.image_id
    LEFT JOIN truths t ON t.level = 'image' AND t.unit = p.image_id AND t.name = n.name
    WHERE p.image_id IS NOT NULL
),
of_studies AS (
    SELECT p.run, p.label, p.image_id, p.study_id, coalesce(p.patient_id, s.patient_id, t.patient_id) AS patient_id,
        p.score, p.logit, t.source, t.value AS truth, NULL AS view, s.sex, s.age, age_band(s.age) AS age_band, s.site,
        s.month
    FROM stored.predictions p
    JOIN names n ON n.label = p.label
    LEFT JOIN studies s ON s.study_id = p.study_id
    LEFT JOIN truths t ON t.level = 'study' AND t.unit = p.study_id AND t.name = n.name
        AND (t.patient_id IS NULL OR coalesce(p.patient_id, s.patient_id) IS NULL
            OR t.patient_id = coalesce(p.patient_id, s.patient_id))
    WHERE p.image_id IS NULL
)
SELECT r.run, r.label, r.source, r.image_id, r.study_id, r.patient_id,
    coalesce(r.patient_id, r.study_id, r.image_id) AS owner, o.split, r.score, r.logit,
    CASE WHEN count(*) FILTER (r.logit IS NULL) OVER (PARTITION BY r.run, r.label) = 0 THEN r.logit ELSE r.score END
        AS rank_by,
    r.truth, r.view, r.sex, r.age, r.age_band, r.site, r.month
FROM (FROM of_images UNION ALL FROM of_studies) r
LEFT JOIN stored.owners o ON o.owner = coalesce(r.patient_id, r.study_id, r.image_id)
