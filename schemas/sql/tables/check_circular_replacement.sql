-- A concept whose replacements and splits lead back to it.
WITH RECURSIVE leads AS (
    SELECT concept_id, replaced_by AS target
    FROM concepts
    WHERE replaced_by IS NOT NULL
    UNION ALL
    SELECT concept_id, unnest(splits).into AS target
    FROM concepts
),
steps AS (
    SELECT concept_id, target FROM leads
    UNION
    SELECT steps.concept_id, leads.target
    FROM steps
    JOIN leads ON leads.concept_id = steps.target
    WHERE steps.target != steps.concept_id
)
SELECT DISTINCT concept_id, text, 'its replacements lead back to it' AS detail
FROM steps
JOIN concepts USING (concept_id)
WHERE steps.target = concept_id
