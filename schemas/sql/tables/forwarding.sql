-- Which concept stands for each replaced one: the end of its replacements.
WITH RECURSIVE steps AS (
    SELECT concept_id, replaced_by AS resolved, 1 AS depth
    FROM concepts
    WHERE replaced_by IS NOT NULL
    UNION ALL
    SELECT steps.concept_id, concepts.replaced_by, steps.depth + 1
    FROM steps
    JOIN concepts ON concepts.concept_id = steps.resolved
    WHERE concepts.replaced_by IS NOT NULL AND steps.depth < 1000
)
SELECT concept_id, arg_max(resolved, depth) AS resolved
FROM steps
GROUP BY concept_id
