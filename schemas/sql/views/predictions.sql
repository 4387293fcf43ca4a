-- The score of one image or study for one label in one run.
--
-- run: the set of predictions
-- image_id: the image, or NULL where the prediction is of a study
-- study_id: the study
-- patient_id: the patient, where it is known
-- label: what is predicted
-- score: between 0 and 1
-- logit: what the score is the sigmoid of, where there is one
SELECT run, image_id, study_id, patient_id, label, score, logit FROM stored.predictions
