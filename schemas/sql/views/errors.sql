-- One prediction that is wrong at the threshold of its label; none that a run was trained on.
--
-- run: the set of predictions
-- label: what is predicted
-- source: the source of labels that it is wrong by
-- kind: false positive or false negative
-- image_id: the image, or NULL where the prediction is of a study
-- study_id: the study
-- patient_id: the patient, where it is known
-- owner: the patient, else the study, else the image
-- split: train, validation, test or external
-- score: between 0 and 1
-- threshold: what it was held against; `thresholds` says how it was chosen
-- chosen_on: by which rows it was chosen: given, validation or cross-fitted
-- margin: score less threshold: how far on the wrong side
-- truth: 1 or 0
-- view: of the image
-- sex: of the patient
-- age: years
-- age_band: 0-17, 18-39, 40-59, 60-79 or 80+
-- site: where the image was taken
-- month: when: "2020-03"
SELECT run, label, source, CASE WHEN truth = 1 THEN 'false negative' ELSE 'false positive' END AS kind,
    image_id, study_id, patient_id, owner, split, score, threshold, chosen_on, score - threshold AS margin, truth, view,
    sex, age, age_band, site, month
FROM outcomes
WHERE judged AND truth IS NOT NULL AND decision <> (truth = 1)
