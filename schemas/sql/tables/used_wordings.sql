-- How reports word some concepts: the verbatim texts of their mentions, lower case, with how often each was met.
SELECT concept_id, lower(trim(text)) AS name, count(*) AS mentions
FROM mentions m
WHERE list_contains($concept_ids, m.concept_id)
GROUP BY ALL
ORDER BY mentions DESC, concept_id, name
