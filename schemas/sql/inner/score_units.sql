-- What scores are of: an image or a study as predictions name it, and all that is known of it, once for all its scores.
WITH units AS (SELECT DISTINCT image_id, study_id, patient_id FROM stored.predictions),
known AS (
    SELECT u.image_id, u.study_id AS named_study, u.patient_id AS named_patient,
        coalesce(u.study_id, i.study_id) AS study_id, w.patient_id, w.owner, NULL AS said_patient,
        i.view, i.sex, i.age, i.age_band, i.site, i.month, i.attributes
    FROM units u
    LEFT JOIN images i ON i.image_id = u.image_id
    LEFT JOIN stored.patients w ON w.level = 'image' AND w.unit = u.image_id
    WHERE u.image_id IS NOT NULL
    UNION ALL
    SELECT NULL, u.study_id, u.patient_id, u.study_id, coalesce(u.patient_id, s.patient_id, w.patient_id),
        coalesce(u.patient_id, s.patient_id, w.patient_id, u.study_id), coalesce(u.patient_id, s.patient_id),
        NULL, s.sex, s.age, s.age_band, s.site, s.month, s.attributes
    FROM units u
    LEFT JOIN studies s ON s.study_id = u.study_id
    LEFT JOIN stored.patients w ON w.level = 'study' AND w.unit = u.study_id
    WHERE u.image_id IS NULL
)
SELECT (row_number() OVER ())::INTEGER AS number, k.*, o.split, o.fold, coalesce(o.named, false) AS named
FROM known k LEFT JOIN stored.owners o ON o.owner = k.owner
