-- What tables of labels and predictions say beside them of an image or study.
--
-- level: image or study
-- unit: its id
-- study_id: the study
-- patient_id: the patient, where a table says so
-- attributes: name in lower case -> value, as a map; where two tables differ, the first by its name counts
SELECT level, unit, min(study_id) AS study_id, min(patient_id) AS patient_id,
    map_from_entries(list({'name': name, 'value': value} ORDER BY name)) AS attributes
FROM (
    SELECT CASE WHEN image_id IS NULL THEN 'study' ELSE 'image' END AS level, coalesce(image_id, study_id) AS unit,
        min(study_id) AS study_id, min(patient_id) AS patient_id, label_name(name) AS name,
        arg_min(value, source) AS value
    FROM stored.attributes GROUP BY ALL
)
GROUP BY level, unit
