-- One prediction beside what is held to be true, once for each source of labels; once, without a source, where none speaks.
--
-- run: the set of predictions
-- label: what is predicted
-- source: the source of labels that speaks of it
-- image_id: the image, or NULL where the prediction is of a study
-- study_id: the study
-- patient_id: the patient, where it is known
-- owner: who keeps rows together: the patient, else the study, else the image
-- split: train, validation, test or external, by its owner
-- judged: whether it may be judged: false for the train and validation rows of a run that was trained here
-- score: between 0 and 1
-- logit: what the score is the sigmoid of, where there is one
-- rank_by: the logit where all of the run's have one for this label, else the score: what rows are ordered by
-- truth: 1, 0, or NULL where it is unknown
-- threshold: what the score is held against: of cross-fitted ones, chosen on the other four folds of the patients
-- chosen_on: given, validation, cross-fitted or nothing: see `thresholds`
-- decision: whether the score is the threshold or more; NULL where there is none, and for the validation rows that chose it
-- view: of the image
-- sex: of the patient
-- age: years
-- age_band: 0-17, 18-39, 40-59, 60-79 or 80+
-- site: where the image was taken
-- month: when: "2020-03"
-- attributes: what else is said of the image or study: attributes['device'], or attribute(attributes, 'De-Vice')
WITH held AS (
    SELECT n.run, n.label, n.by_logit, m.source, m.judged, m.validates, m.score, m.logit, m.truth, u.* EXCLUDE (number),
        c.chosen_on, CASE WHEN c.folds IS NOT NULL AND m.judged AND u.split IS DISTINCT FROM 'external'
            THEN c.folds[u.fold + 1] ELSE c.threshold END AS threshold
    FROM matched m
    JOIN score_series n ON n.series = m.series
    JOIN score_units u ON u.number = m.unit
    JOIN cuts c ON c.series = m.series AND c.source IS NOT DISTINCT FROM m.source
)
SELECT run, label, source, image_id, study_id, patient_id, owner, split, judged, score, logit,
    CASE WHEN by_logit THEN logit ELSE score END AS rank_by, truth, threshold, chosen_on,
    CASE WHEN NOT (chosen_on = 'validation' AND validates AND truth IS NOT NULL) THEN score >= threshold END AS decision,
    view, sex, age, age_band, site, month, attributes
FROM held
