-- The sentences behind a concept or a finding.
--
-- concept text: only this concept: its text, its id, or how that begins
-- finding text: only concepts of this finding
-- under text: only what stands under this concept or finding: a text, an id or how it begins, or a finding ("fracture")
-- assertion text: only present, absent or uncertain mentions
-- most int = 50: how many rows
WITH wanted AS (
    SELECT concept_id FROM concept_ancestors
    WHERE lower(ancestor) = lower($under) OR starts_with(ancestor_id, $under)
    UNION SELECT c.concept_id FROM concepts c JOIN finding_ancestors f ON f.finding = c.finding
    WHERE f.ancestor = lower($under)
)
SELECT concept_id, concept, finding, assertion, certainty, temporality, report_id, study_id, section, text, sentence
FROM observations
WHERE ($concept IS NULL OR lower(concept) = lower($concept) OR starts_with(concept_id, $concept))
    AND ($under IS NULL OR concept_id IN (FROM wanted))
    AND ($finding IS NULL OR lower(finding) = lower($finding)) AND ($assertion IS NULL OR assertion = $assertion)
ORDER BY concept, concept_id, report_id, section, text
LIMIT $most
