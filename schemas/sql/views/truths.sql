-- What one source of labels holds to be true of an image or study that it speaks of, directly or through the other.
--
-- level: image or study: of which the row is
-- unit: its id
-- patient_id: the patient that the source names, where it does
-- name: what the label is compared as: the name of its finding where the table of label names has it, else in lower case
-- source: the file or reader that says so
-- value: 1, 0, or NULL where it is unknown
--
-- An image has its own label, else that of its study. A study has its own, else what its images have: it is positive
-- where any of them is, and unknown where none is and any is unknown.
WITH names AS (SELECT label, label_key(label) AS name FROM (SELECT DISTINCT label FROM stored.labels)),
said AS (
    SELECT l.image_id, coalesce(l.study_id, i.study_id) AS study_id, coalesce(l.patient_id, i.patient_id) AS patient_id,
        n.name, l.value, l.source
    FROM stored.labels l JOIN names n USING (label) LEFT JOIN stored.images i ON i.image_id = l.image_id
),
own AS (
    SELECT image_id, name, source, agreed_value(value) AS value, min(patient_id) AS patient_id
    FROM said WHERE image_id IS NOT NULL GROUP BY image_id, name, source
),
of_study AS (
    SELECT study_id, patient_id, name, source, agreed_value(value) AS value
    FROM said WHERE image_id IS NULL GROUP BY study_id, patient_id, name, source
),
pictures AS (
    SELECT image_id, study_id, patient_id FROM stored.images WHERE study_id IS NOT NULL
    UNION
    SELECT p.image_id, p.study_id, p.patient_id FROM stored.predictions p
    ANTI JOIN stored.images i ON i.image_id = p.image_id
    WHERE p.image_id IS NOT NULL AND p.study_id IS NOT NULL
),
from_images AS (
    SELECT study_id, patient_id, name, source, agreed_value(value) AS value
    FROM said WHERE image_id IS NOT NULL AND study_id IS NOT NULL GROUP BY study_id, patient_id, name, source
)
SELECT 'image' AS level, image_id AS unit, patient_id, name, source, value FROM own
UNION ALL
SELECT 'image', p.image_id, min(s.patient_id), s.name, s.source, agreed_value(s.value)
FROM of_study s
JOIN pictures p ON p.study_id = s.study_id
    -- "study1" of two patients is two studies
    AND (p.patient_id IS NULL OR s.patient_id IS NULL OR p.patient_id = s.patient_id)
ANTI JOIN own o ON o.image_id = p.image_id AND o.name = s.name AND o.source = s.source
GROUP BY p.image_id, s.name, s.source
UNION ALL
SELECT 'study', study_id, patient_id, name, source, value FROM of_study WHERE study_id IS NOT NULL
UNION ALL
SELECT 'study', f.study_id, f.patient_id, f.name, f.source, f.value
FROM from_images f ANTI JOIN of_study s ON s.study_id = f.study_id AND s.name = f.name AND s.source = f.source
    AND (f.patient_id IS NULL OR s.patient_id IS NULL OR f.patient_id = s.patient_id)
