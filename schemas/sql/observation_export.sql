-- Every mention with the finding of its concept, in the order of reports, sections and sentences.
SELECT o.report_id, o.section, o.sentence, o.spans, o.text, c.finding, c.concept_id, o.assertion, o.certainty,
       o.temporality, o.laterality, o.severity
FROM observations o
LEFT JOIN forwarding f USING (concept_id)
JOIN concepts c ON c.concept_id = coalesce(f.resolved, o.concept_id)
ORDER BY o.report_id, o.section, o.sentence, o.spans, c.concept_id
