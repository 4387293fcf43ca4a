-- One mention of a concept in a report, with the sentence it stands in.
--
-- report_id: the report
-- study_id: its study
-- patient_id: its patient
-- concept_id: the concept that it is of now
-- finding: of that concept
-- concept: the text of that concept
-- section: of the report
-- text: the words themselves
-- sentence: the sentence; NULL where report texts are not stored
-- assertion: present, absent or uncertain
-- certainty: how sure the report is
-- temporality: new, stable, resolved, historical, ...
-- laterality: left, right, bilateral or none
-- severity: how much
-- measurements: numbers with their units, as they stand
-- mined_as: the concept that it was mined as
SELECT m.report_id, r.study_id, r.patient_id, m.concept_id, c.finding, c.text AS concept, m.section, m.text,
    substring(list_filter(r.sections, lambda s: s.name = m.section)[1].text, m.sentence_span."start" + 1,
        m.sentence_span."end" - m.sentence_span."start") AS sentence,
    m.assertion, m.certainty, m.temporality, m.laterality, m.severity, m.measurements, m.mined_as
FROM mentions m
JOIN stored.concepts c ON c.concept_id = m.concept_id
LEFT JOIN stored.reports r ON r.report_id = m.report_id
