-- A name that two concepts in use go by.
WITH names AS (
    SELECT concept_id, text, lower(unnest(list_concat([text], synonyms))) AS name
    FROM concepts
    WHERE status IN ('candidate', 'accepted')
)
SELECT concept_id, text, 'the name ''' || name || ''' is of ' || count(*) OVER (PARTITION BY name) || ' concepts' AS detail
FROM (SELECT DISTINCT * FROM names)
QUALIFY count(*) OVER (PARTITION BY name) > 1
