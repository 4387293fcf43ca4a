-- Each image with its study (what its own row says goes first), its own row's patient, and the first and the last of the
-- patients that it is said to be of: nearly always one.
SELECT image_id, coalesce(max(study_id) FILTER (pictured), min(study_id)) AS study_id,
    max(patient_id) FILTER (pictured) AS own, min(patient_id) AS first_patient, max(patient_id) AS last_patient,
    bool_or(pictured) AS pictured, min(origin) AS origin
FROM patients_told WHERE image_id IS NOT NULL GROUP BY image_id
