-- What the reports of one study state: every mention with its concept and the section it stands in, as it is written.
SELECT m.report_id, m.section, m.sentence, m.sentence_span, m.spans, m.text, m.assertion, m.certainty, m.temporality,
       m.laterality, m.severity, c.concept_id, c.text AS concept, c.assertion AS concept_assertion, c.finding, c.status,
       list_filter(r.sections, lambda s: s.name = m.section)[1].text AS section_text
FROM mentions m
JOIN reports r USING (report_id)
JOIN concepts c USING (concept_id)
ORDER BY m.report_id, list_position(list_transform(r.sections, lambda s: s.name), m.section), m.sentence_span.start,
    m.spans[1].start, c.concept_id
