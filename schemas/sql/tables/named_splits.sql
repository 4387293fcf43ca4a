-- Which owner which split is named for, and where: by an image, or else by a study.
SELECT coalesce(i.owner, t.patient_id, s.owner) AS owner, t.split, min(t.image_id) AS image_id, min(t.study_id) AS study_id
FROM patients_told t
LEFT JOIN image_owners i ON i.image_id = t.image_id
LEFT JOIN study_owners s ON s.study_id = t.study_id
WHERE t.split IS NOT NULL
GROUP BY ALL ORDER BY image_id, study_id, t.split, owner
