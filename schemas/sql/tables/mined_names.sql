-- How reports word each concept: the verbatim texts of its mentions, lower case, with how often each was met.
SELECT concept_id, lower(trim(text)) AS name, count(*) AS mentions
FROM mentions m
GROUP BY ALL
HAVING count(*) >= $min_mentions
ORDER BY mentions DESC, concept_id, name
