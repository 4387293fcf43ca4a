-- The study of each image that tables of labels, predictions and attributes speak of, where one study only is told.
SELECT image_id, min(study_id) AS study_id
FROM (
    SELECT image_id, study_id FROM labels
    UNION ALL
    SELECT image_id, study_id FROM predictions
    UNION ALL
    SELECT image_id, study_id FROM attributes
)
WHERE image_id IS NOT NULL AND study_id IS NOT NULL
GROUP BY image_id
HAVING count(DISTINCT study_id) = 1
