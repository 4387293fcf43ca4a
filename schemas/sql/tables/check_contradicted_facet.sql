-- The texts and facets of the concepts in use, to be read against each other.
SELECT concept_id, text, assertion, finding, anatomy, laterality, severity
FROM concepts
WHERE status IN ('candidate', 'accepted')
