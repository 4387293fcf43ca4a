-- The sentences of the reports of imaged studies that state something, each with its words and what it states, in a
-- fixed order; none of reports that are kept without their texts.
SELECT m.report_id, m.section, m.sentence,
    substring(any_value(r.s.text), any_value(m.sentence_span.start) + 1,
        any_value(m.sentence_span."end") - any_value(m.sentence_span.start)) AS text,
    list(DISTINCT {concept_id: m.concept_id, assertion: m.assertion, temporality: m.temporality}) AS said
FROM mentions m
JOIN (SELECT report_id, study_id, unnest(sections) AS s FROM reports) r ON r.report_id = m.report_id AND r.s.name = m.section
WHERE r.study_id IN (SELECT study_id FROM images) AND r.s.text IS NOT NULL
GROUP BY m.report_id, m.section, m.sentence
ORDER BY m.report_id, m.section, m.sentence
