-- The images that are said to be of several patients, or of none while their study is of several: with each patient.
WITH doubtful AS (
    SELECT i.image_id, i.study_id, i.first_patient IS NOT NULL AS told
    FROM told_images i LEFT JOIN told_studies s ON s.study_id = i.study_id
    WHERE i.first_patient <> i.last_patient
        OR (i.first_patient IS NULL AND i.pictured AND s.first_patient <> s.last_patient)
),
said AS (
    SELECT d.image_id, d.study_id, d.told, t.patient_id, t.said_by, t.pictured
    FROM doubtful d JOIN patients_told t ON d.told AND t.image_id = d.image_id
    UNION ALL
    SELECT d.image_id, d.study_id, d.told, t.patient_id, t.said_by, t.pictured
    FROM doubtful d JOIN patients_told t ON NOT d.told AND t.study_id = d.study_id
    UNION ALL
    SELECT d.image_id, d.study_id, d.told, t.patient_id, t.said_by, t.pictured
    FROM doubtful d JOIN told_images i ON NOT d.told AND i.study_id = d.study_id
    JOIN patients_told t ON t.image_id = i.image_id
)
SELECT s.image_id, s.study_id, s.told, o.owner, s.patient_id,
    coalesce(min(s.said_by) FILTER (s.pictured), min(s.said_by)) AS said_by
FROM said s JOIN image_owners o ON o.image_id = s.image_id
WHERE s.patient_id IS NOT NULL
GROUP BY ALL ORDER BY s.image_id, s.patient_id
