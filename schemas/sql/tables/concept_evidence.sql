-- The first mentions of some concepts, and of those they replaced, in a fixed order.
SELECT m.concept_id, m.report_id, m.section, m.sentence, m.sentence_span, m.spans,
       m.text, m.assertion, m.certainty, m.temporality, m.laterality, m.severity
FROM mentions m
WHERE list_contains($concept_ids, m.concept_id)
QUALIFY row_number() OVER (PARTITION BY m.concept_id ORDER BY m.report_id, m.section, m.sentence) <= $limit
ORDER BY m.concept_id, m.report_id, m.section, m.sentence
