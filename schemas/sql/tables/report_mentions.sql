-- Where one report mentions a concept, and how that is meant, in the order of its text.
SELECT m.section, m.spans, m.text, m.assertion
FROM mentions m
WHERE m.report_id = $report_id AND m.concept_id = $concept_id
ORDER BY m.section, m.sentence
