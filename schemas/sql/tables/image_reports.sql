-- The images of every study together with its reports, in a fixed order; images without a report are left out.
SELECT i.image_id, i.content_hash, i.study_id, r.report_id,
    r.patient_id AS report_patient, r.sections
FROM images i
JOIN reports r ON r.study_id = i.study_id
    -- "study1" of two patients is two studies
    AND (r.patient_id IS NULL OR i.patient_id IS NULL OR r.patient_id = i.patient_id)
ORDER BY i.image_id, r.report_id
