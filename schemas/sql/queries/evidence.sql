-- The sentences behind a concept or a finding.
--
-- concept text: only this concept: its text, its id, or how that begins
-- finding text: only concepts of this finding
-- assertion text: only present, absent or uncertain mentions
-- most int = 50: how many rows
SELECT concept_id, concept, finding, assertion, certainty, temporality, report_id, study_id, section, text, sentence
FROM observations
WHERE ($concept IS NULL OR lower(concept) = lower($concept) OR starts_with(concept_id, $concept))
    AND ($finding IS NULL OR lower(finding) = lower($finding)) AND ($assertion IS NULL OR assertion = $assertion)
ORDER BY concept, concept_id, report_id, section, text
LIMIT $most
