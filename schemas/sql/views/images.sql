-- One radiograph, with whose it is and what is said of it.
--
-- image_id: the image
-- study_id: its study
-- patient_id: its patient, where anybody knows
-- owner: who keeps images together: the patient, else the study, else the image itself
-- split: train, validation or test, by its owner
-- view: PA, AP, frontal (one of the two), lateral or other; NULL where it is unknown
-- sex: F or M; else as it was written
-- age: years
-- age_band: 0-17, 18-39, 40-59, 60-79 or 80+
-- site: its attribute site, hospital, institution, centre, department or dataset; else the source it came in by
-- month: year and month ("2020-03") of its attribute date, study_date or acquired
-- kind: png, jpeg or dicom; NULL where only a table of labels or predictions speaks of the image
-- width: pixels
-- height: pixels
-- source: the folder or table it came in by
-- attributes: what else is said of it, or of its study: attributes['device']; names are in lower case, with spaces for "_"
WITH own AS (
    SELECT *, map_from_entries(list_transform(attributes,
        lambda a: {'name': label_name(a.name), 'value': a.value})) AS said
    FROM stored.images
),
known AS (
    SELECT i.image_id, coalesce(i.study_id, d.study_id) AS study_id, coalesce(i.patient_id, d.patient_id) AS patient_id,
        i.view, i.sex, i.age, i.kind, i.width, i.height, i.source,
        CASE WHEN d.unit IS NULL THEN i.said ELSE map_concat(d.attributes, i.said) END AS attributes
    FROM own i LEFT JOIN described d ON d.level = 'image' AND d.unit = i.image_id
    UNION ALL
    SELECT d.unit, d.study_id, d.patient_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.attributes
    FROM described d ANTI JOIN stored.images i ON i.image_id = d.unit WHERE d.level = 'image'
    UNION ALL
    -- Images that only predictions name, where their study is spoken of.
    SELECT p.image_id, p.study_id, min(p.patient_id), NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        MAP {}::MAP(VARCHAR, VARCHAR)
    FROM stored.predictions p
    SEMI JOIN (FROM described WHERE level = 'study') s ON s.unit = p.study_id
    ANTI JOIN stored.images i ON i.image_id = p.image_id
    ANTI JOIN (FROM described WHERE level = 'image') d ON d.unit = p.image_id
    WHERE p.image_id IS NOT NULL GROUP BY p.image_id, p.study_id
),
all_said AS (
    SELECT k.* EXCLUDE (attributes, patient_id), w.patient_id, w.owner, CASE WHEN s.unit IS NULL THEN k.attributes
        ELSE map_concat(s.attributes, k.attributes) END AS attributes
    FROM known k
    -- whose an image is, by all tables that say so
    LEFT JOIN stored.patients w ON w.level = 'image' AND w.unit = k.image_id
    LEFT JOIN described s ON s.level = 'study' AND s.unit = k.study_id
        -- "study1" of two patients is two studies
        AND (s.patient_id IS NULL OR w.patient_id IS NULL OR s.patient_id = w.patient_id)
)
SELECT k.image_id, k.study_id, k.patient_id, k.owner, o.split,
    coalesce(k.view, view_of(k.attributes)) AS view, plain_sex(coalesce(k.sex, sex_of(k.attributes))) AS sex,
    coalesce(k.age, age_of(k.attributes)) AS age, age_band(coalesce(k.age, age_of(k.attributes))) AS age_band,
    coalesce(site_of(k.attributes), k.source) AS site, month_of(k.attributes) AS month,
    k.kind, k.width, k.height, k.source, k.attributes
FROM all_said k LEFT JOIN stored.owners o ON o.owner = k.owner
