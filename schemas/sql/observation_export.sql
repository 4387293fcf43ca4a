-- Every mention with the finding of its concept, in the order of reports, sections and sentences.
SELECT o.report_id, o.section, o.sentence, o.spans, o.text, c.finding, o.concept_id, o.assertion, o.certainty,
       o.temporality, o.laterality, o.severity
FROM observations o
JOIN concepts c USING (concept_id)
ORDER BY o.report_id, o.section, o.sentence, o.spans, o.concept_id
