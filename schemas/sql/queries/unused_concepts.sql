-- Concepts in use that no report mentions.
--
-- finding text: only of this finding
-- status text: only accepted, or only candidate
-- assertion text: only present, or only absent
SELECT concept_id, text, assertion, finding, laterality, status, source, note
FROM concepts
WHERE mentions = 0 AND status IN ('accepted', 'candidate') AND ($status IS NULL OR status = $status)
    AND ($finding IS NULL OR lower(finding) = lower($finding)) AND ($assertion IS NULL OR assertion = $assertion)
ORDER BY finding, text, concept_id
