-- Every mention with the finding of its concept, in the order of reports, sections and sentences.
SELECT m.report_id, m.section, m.sentence, m.spans, m.text, c.finding, c.concept_id, m.assertion, m.certainty,
       m.temporality, m.laterality, m.severity, m.measurements
FROM mentions m
JOIN concepts c USING (concept_id)
ORDER BY m.report_id, m.section, m.sentence, m.spans, c.concept_id
