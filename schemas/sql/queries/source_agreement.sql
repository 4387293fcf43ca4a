-- How far two sources of labels agree: for each label, on how many images or studies, with Cohen's kappa.
--
-- label text: only this label
-- level text = image: image or study
WITH known AS (
    SELECT * FROM truths
    WHERE value IS NOT NULL AND level = $level AND ($label IS NULL OR name = label_key($label))
),
pairs AS (
    SELECT one.name AS label, one.source AS a, two.source AS b, count(*) AS n,
        count(*) FILTER (one.value = 1 AND two.value = 1) AS both_positive,
        count(*) FILTER (one.value = 0 AND two.value = 0) AS both_negative,
        count(*) FILTER (one.value = 1 AND two.value = 0) AS only_a,
        count(*) FILTER (one.value = 0 AND two.value = 1) AS only_b
    FROM known one
    JOIN known two ON two.unit = one.unit AND two.name = one.name AND two.source > one.source
        AND coalesce(one.patient_id = two.patient_id, true)
    GROUP BY ALL
),
shares AS (
    SELECT *, (both_positive + both_negative) / n AS agreement,
        ((both_positive + only_a) * (both_positive + only_b) + (both_negative + only_a) * (both_negative + only_b))
            / (n * n) AS by_chance
    FROM pairs
)
SELECT label, a, b, n, both_positive, both_negative, only_a, only_b, agreement,
    (agreement - by_chance) / nullif(1 - by_chance, 0) AS kappa
FROM shares
ORDER BY label, a, b
