-- A concept whose replacements lead back to it.
WITH RECURSIVE steps AS (
    SELECT concept_id, replaced_by AS target, 1 AS depth
    FROM concepts
    WHERE replaced_by IS NOT NULL
    UNION ALL
    SELECT steps.concept_id, concepts.replaced_by, steps.depth + 1
    FROM steps
    JOIN concepts ON concepts.concept_id = steps.target
    WHERE concepts.replaced_by IS NOT NULL AND steps.target != steps.concept_id AND steps.depth < 1000
)
SELECT DISTINCT concept_id, text, 'its replacements lead back to it' AS detail
FROM steps
JOIN concepts USING (concept_id)
WHERE steps.target = concept_id
