-- A concept in use that has no vector, though the vocabulary is embedded.
SELECT concept_id, text, 'has no vector' AS detail
FROM concepts
WHERE embedder IS NULL AND status IN ('candidate', 'accepted') AND EXISTS (SELECT 1 FROM embedders)
