-- Each study with the first and the last of the patients that it, or an image of it, is said to be of.
SELECT study_id, min(patient_id) AS first_patient, max(patient_id) AS last_patient
FROM (
    SELECT study_id, patient_id FROM patients_told WHERE study_id IS NOT NULL
    UNION ALL
    SELECT study_id, unnest([first_patient, last_patient]) FROM told_images WHERE study_id IS NOT NULL
)
GROUP BY study_id
