-- Everybody who has images or studies, or is said to: the patients, and the studies and images of which nobody knows whose.
SELECT owner FROM image_owners
UNION SELECT owner FROM study_owners
UNION SELECT patient_id FROM patients_told WHERE patient_id IS NOT NULL
ORDER BY owner
