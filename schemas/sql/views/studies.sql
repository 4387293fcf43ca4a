-- One study, with what its images, or tables of labels and predictions, say of it.
--
-- study_id: the study; an id that two patients use is left out: nothing could be matched by it
-- patient_id: its patient, where anybody knows
-- owner: the patient, else the study
-- images: how many of its images are known
-- sex: F or M; else as it was written
-- age: years
-- age_band: 0-17, 18-39, 40-59, 60-79 or 80+
-- site: where it was taken
-- month: when: "2020-03"
-- attributes: what else is said of the study itself
WITH of_images AS (
    SELECT study_id, min(patient_id) AS patient_id, count(DISTINCT patient_id) AS patients, count(*) AS images,
        min(sex) AS sex, min(age) AS age, min(site) AS site, min(month) AS month
    FROM images WHERE study_id IS NOT NULL GROUP BY study_id
),
known AS (
    SELECT coalesce(i.study_id, d.unit) AS study_id, coalesce(i.patient_id, d.patient_id, w.patient_id) AS patient_id,
        coalesce(i.patients, 0) AS patients, coalesce(i.images, 0) AS images, i.sex, i.age, i.site, i.month,
        coalesce(d.attributes, MAP {}::MAP(VARCHAR, VARCHAR)) AS attributes
    FROM of_images i FULL JOIN (FROM described WHERE level = 'study') d ON d.unit = i.study_id
    LEFT JOIN stored.patients w ON w.level = 'study' AND w.unit = coalesce(i.study_id, d.unit)
)
SELECT study_id, patient_id, coalesce(patient_id, study_id) AS owner, images,
    plain_sex(coalesce(sex, sex_of(attributes))) AS sex, coalesce(age, age_of(attributes)) AS age,
    age_band(coalesce(age, age_of(attributes))) AS age_band, coalesce(site, site_of(attributes)) AS site,
    coalesce(month, month_of(attributes)) AS month, attributes
FROM known WHERE patients < 2
