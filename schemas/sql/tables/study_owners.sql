-- Whose each study is: "study1" of two patients is two studies, and nobody's.
SELECT study_id, CASE WHEN first_patient = last_patient THEN first_patient END AS patient_id,
    CASE WHEN first_patient = last_patient THEN first_patient ELSE study_id END AS owner
FROM told_studies
