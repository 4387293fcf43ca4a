-- The first mentions of some concepts, and of those they replaced, with the section text they stand in, in a fixed order.
SELECT o.concept_id, o.report_id, r.study_id, r.patient_id, r.source, o.section, o.sentence, o.sentence_span, o.spans,
       o.text, o.assertion, o.certainty, o.temporality, o.laterality, o.severity,
       list_filter(r.sections, lambda s: s.name = o.section)[1].text AS section_text
FROM (
    SELECT m.*
    FROM mentions m
    WHERE list_contains($concept_ids, m.concept_id)
    QUALIFY row_number() OVER (PARTITION BY m.concept_id ORDER BY m.report_id, m.section, m.sentence) <= $limit
) o
LEFT JOIN reports r USING (report_id)
ORDER BY o.concept_id, o.report_id, o.section, o.sentence
