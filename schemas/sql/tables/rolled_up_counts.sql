-- How often each ancestor and all that stands under it are mentioned, and in how many reports: each report once.
SELECT p.ancestor_id, count(*) AS mentions, count(DISTINCT m.report_id) AS reports
FROM mentions m
JOIN pairs p ON p.concept_id = m.concept_id
GROUP BY 1
