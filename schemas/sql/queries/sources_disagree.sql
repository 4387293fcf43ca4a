-- Labels that two sources contradict each other in.
--
-- label text: only this label
-- a text: only where this source is one of the two
-- b text: only where this source is the other
-- most int = 50: how many rows
--
-- Images are listed one by one; a study only where no image of it is labelled or known.
WITH known AS (
    SELECT * FROM truths t
    WHERE value IS NOT NULL AND ($label IS NULL OR name = label_key($label))
        AND (level = 'image' OR unit NOT IN (
            SELECT study_id FROM labels WHERE image_id IS NOT NULL AND study_id IS NOT NULL
            UNION
            SELECT study_id FROM images WHERE study_id IS NOT NULL))
)
SELECT one.name AS label, one.level, one.unit, coalesce(one.patient_id, two.patient_id) AS patient_id,
    one.source AS a, one.value AS value_a, two.source AS b, two.value AS value_b
FROM known one
JOIN known two ON two.level = one.level AND two.unit = one.unit AND two.name = one.name AND two.source > one.source
    AND two.value <> one.value AND coalesce(one.patient_id = two.patient_id, true)
WHERE ($a IS NULL OR $a IN (one.source, two.source)) AND ($b IS NULL OR $b IN (one.source, two.source))
ORDER BY label, one.level, one.unit, a, b
LIMIT $most
