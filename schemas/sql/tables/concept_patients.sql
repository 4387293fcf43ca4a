-- In how many patients each concept was seen; a report whose patient nobody told counts as a patient of its own.
SELECT m.concept_id, count(DISTINCT coalesce('patient ' || r.patient_id, 'report ' || m.report_id)) AS patients
FROM mentions m
LEFT JOIN reports r USING (report_id)
GROUP BY 1
