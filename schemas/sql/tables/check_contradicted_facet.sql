-- The texts and facets of the concepts in use, to be read against each other.
SELECT concept_id, text, assertion, laterality
FROM concepts
WHERE status IN ('candidate', 'accepted')
