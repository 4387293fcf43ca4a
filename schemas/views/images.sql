-- One radiograph, with whose it is and what its table says of it.
--
-- image_id: the image
-- study_id: its study
-- patient_id: its patient, where anybody knows
-- owner: who keeps images together: the patient, else the study, else the image itself
-- split: train, validation or test, by its owner
-- view: PA, AP, lateral, ...
-- sex: as its table says
-- age: years
-- age_band: 0-17, 18-39, 40-59, 60-79 or 80+
-- site: its attribute site, hospital, institution, centre, department or dataset; else the source it came in by
-- month: year and month ("2020-03") of its attribute study_date, date, acquired or StudyDate
-- kind: png, jpeg or dicom
-- width: pixels
-- height: pixels
-- source: the folder or table it came in by
-- attributes: what else its table says, as a map: attributes['device']
SELECT i.image_id, i.study_id, i.patient_id, i.owner, o.split, i.view, i.sex, i.age, age_band(i.age) AS age_band,
    coalesce(said['site'], said['hospital'], said['institution'], said['centre'], said['center'], said['department'],
        said['dataset'], i.source) AS site,
    month_of(coalesce(said['study_date'], said['studydate'], said['date'], said['acquired'])) AS month,
    i.kind, i.width, i.height, i.source, map_from_entries(i.attributes) AS attributes
FROM (
    SELECT *, coalesce(patient_id, study_id, image_id) AS owner,
        map_from_entries(list_transform(attributes, lambda a: {'name': lower(a.name), 'value': a.value})) AS said
    FROM stored.images
) i
LEFT JOIN stored.owners o ON o.owner = i.owner
