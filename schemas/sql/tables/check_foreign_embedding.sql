-- A concept whose vector is of another embedder than the vocabulary's.
SELECT concept_id, text, 'embedded by ' || embedder AS detail
FROM concepts
WHERE embedder IS NOT NULL AND embedder NOT IN (SELECT embedder FROM embedders)
