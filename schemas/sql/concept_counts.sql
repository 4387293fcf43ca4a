-- How often each concept is mentioned, and in how many reports.
SELECT concept_id,
       count(*) AS mentions,
       count(DISTINCT report_id) AS reports,
       count(*) FILTER (assertion = 'uncertain') AS uncertain
FROM observations
WHERE $concept_ids IS NULL OR concept_id IN (SELECT unnest($concept_ids))
GROUP BY concept_id
