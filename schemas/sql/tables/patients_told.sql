-- What each table says of whose an image or study is, and of its split. The predictions of our own runs only repeat it.
SELECT image_id, study_id, nullif(patient_id, '') AS patient_id, nullif(split, '') AS split, min(said_by) AS said_by,
    bool_or(pictured) AS pictured, min(origin) AS origin
FROM (
    SELECT image_id, study_id, patient_id, list_filter(attributes, lambda a: lower(a.name) = 'split')[1].value AS split,
        'images' AS said_by, true AS pictured, source AS origin
    FROM images
    UNION ALL
    SELECT NULL, study_id, patient_id, NULL, 'reports', false, NULL FROM reports WHERE study_id IS NOT NULL
    UNION ALL
    SELECT image_id, study_id, patient_id, NULL, source, false, NULL FROM labels
    UNION ALL
    SELECT image_id, study_id, patient_id, CASE WHEN lower(name) = 'split' THEN value END, source, false, NULL FROM attributes
    UNION ALL
    SELECT p.image_id, p.study_id, CASE WHEN r.encoder IS NULL THEN p.patient_id END, NULL, 'run ' || p.run, false, NULL
    FROM predictions p LEFT JOIN runs r ON r.run = p.run
)
GROUP BY ALL
