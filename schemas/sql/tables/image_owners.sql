-- Whose each image is: as its own row says, or another table, or else as the study of it.
SELECT i.image_id, i.study_id, coalesce(i.own, i.first_patient, s.patient_id) AS patient_id,
    coalesce(i.own, i.first_patient, s.patient_id, i.study_id, i.image_id) AS owner, i.pictured, i.origin
FROM told_images i LEFT JOIN study_owners s ON s.study_id = i.study_id
