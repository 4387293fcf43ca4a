-- One prediction that is wrong at the threshold of its label.
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
-- chosen_on: by which rows it was chosen: validation, or all that are not external
-- margin: score less threshold: how far on the wrong side
-- truth: 1 or 0
-- view: of the image
-- sex: of the patient
-- age: years
-- age_band: 0-17, 18-39, 40-59, 60-79 or 80+
-- site: where the image was taken
-- month: when: "2020-03"
SELECT o.run, o.label, o.source, CASE WHEN o.truth = 1 THEN 'false negative' ELSE 'false positive' END AS kind,
    o.image_id, o.study_id, o.patient_id, o.owner, o.split, o.score, t.threshold, t.chosen_on,
    o.score - t.threshold AS margin, o.truth, o.view, o.sex, o.age, o.age_band, o.site, o.month
FROM outcomes o JOIN thresholds t ON t.run = o.run AND t.label = o.label AND t.source = o.source
WHERE o.truth IS NOT NULL AND (o.score >= t.threshold) <> (o.truth = 1)
