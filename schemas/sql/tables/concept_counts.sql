-- How often each concept is mentioned, and in how many reports; a replaced concept's mentions are its survivor's.
SELECT m.concept_id,
       count(*) AS mentions,
       count(DISTINCT m.report_id) AS reports,
       count(*) FILTER (m.assertion = 'uncertain') AS uncertain
FROM mentions m
WHERE $concept_ids IS NULL OR m.concept_id IN (SELECT unnest($concept_ids))
GROUP BY 1
