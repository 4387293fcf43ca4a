-- The sources that stored images of each owner come from, with the first of them, and whether any is named external.
--
-- external: the words that say so
WITH named AS (FROM patients_told WHERE list_contains($external, split)),
marked AS (
    SELECT i.image_id FROM image_owners i SEMI JOIN named n ON n.image_id = i.image_id
    UNION
    SELECT i.image_id FROM image_owners i SEMI JOIN (FROM named WHERE image_id IS NULL) n ON n.study_id = i.study_id
)
SELECT i.owner, i.origin, min(i.image_id) AS image_id, bool_or(m.image_id IS NOT NULL) AS external
FROM image_owners i LEFT JOIN marked m ON m.image_id = i.image_id
WHERE i.pictured
GROUP BY i.owner, i.origin ORDER BY min(i.image_id)
