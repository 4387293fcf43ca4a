-- How often each concept is mentioned, and in how many reports; a replaced concept's mentions are its survivor's.
SELECT coalesce(f.resolved, o.concept_id) AS concept_id,
       count(*) AS mentions,
       count(DISTINCT o.report_id) AS reports,
       count(*) FILTER (o.assertion = 'uncertain') AS uncertain
FROM observations o
LEFT JOIN forwarding f USING (concept_id)
WHERE $concept_ids IS NULL OR coalesce(f.resolved, o.concept_id) IN (SELECT unnest($concept_ids))
GROUP BY 1
