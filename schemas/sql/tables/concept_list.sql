-- The vocabulary with its counts, most mentioned first.
SELECT c.concept_id, c.text, c.assertion, c.finding, c.anatomy, c.laterality, c.severity, c.descriptors, c.status, c.source,
       coalesce(o.mentions, 0) AS mentions,
       coalesce(o.reports, 0) AS reports
FROM concepts c
LEFT JOIN (
    SELECT m.concept_id, count(*) AS mentions, count(DISTINCT m.report_id) AS reports
    FROM mentions m
    WHERE $concept_ids IS NULL OR m.concept_id IN (SELECT unnest($concept_ids))
    GROUP BY 1
) o USING (concept_id)
WHERE ($assertion IS NULL OR c.assertion = $assertion)
  AND CASE WHEN $status IS NULL THEN c.status != 'aside' ELSE c.status = $status END
  AND ($laterality IS NULL OR c.laterality = $laterality)
  AND ($findings IS NULL OR list_contains($findings, c.finding))
  AND ($concept_ids IS NULL OR c.concept_id IN (SELECT unnest($concept_ids)))
  AND coalesce(o.mentions, 0) >= $min_count
ORDER BY mentions DESC, c.text, c.concept_id
LIMIT $limit OFFSET $offset
