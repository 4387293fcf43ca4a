-- What the reports of imaged studies state: each concept once per report and manner, in a fixed order.
SELECT DISTINCT m.report_id, m.concept_id, m.assertion, m.temporality
FROM mentions m
JOIN reports r USING (report_id)
WHERE r.study_id IN (SELECT study_id FROM images)
ORDER BY m.report_id, m.concept_id, m.assertion, m.temporality
