-- What one source of labels holds to be true of an image or of a whole study.
--
-- image_id: the image, or NULL where the label is of a study
-- study_id: the study
-- patient_id: the patient, where the file says so
-- label: as it is spelt in the file
-- value: 1, 0, or NULL where it is unknown
-- source: the file or reader that says so
SELECT image_id, study_id, patient_id, label, value, source FROM stored.labels
