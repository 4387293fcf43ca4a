-- Images of the studies whose reports mention a concept, with how the mentions are meant, in a fixed order.
SELECT i.image_id, i.study_id, i.view, list_sort(list(DISTINCT m.assertion)) AS assertions
FROM mentions m
JOIN reports r USING (report_id)
JOIN images i ON i.study_id = r.study_id
    -- "study1" of two patients is two studies
    AND (r.patient_id IS NULL OR i.patient_id IS NULL OR r.patient_id = i.patient_id)
WHERE m.concept_id = $concept_id
GROUP BY ALL
ORDER BY i.image_id
LIMIT $limit
