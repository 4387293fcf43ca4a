-- Where two runs differ most on the same image or study and label, with what is true.
--
-- a text: one run; default: the first by name
-- b text: the other; default: the first that is another
-- label text: only this label
-- source text: only by this source of labels
-- by text = score: score, or rank: differ in score, or in the share of rows of its own run that score lower
-- most int = 50: how many rows
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
WITH names AS (
    SELECT coalesce($a, min(run) FILTER ($b IS NULL OR run <> $b)) AS a FROM runs
),
pair AS (SELECT a, coalesce($b, (SELECT min(run) FROM runs WHERE run <> a)) AS b FROM names),
rows AS (
    SELECT *, label_key(label) AS name, coalesce(image_id, study_id) AS unit, image_id IS NULL AS of_study,
        coalesce(source, '') AS said_by,
        cume_dist() OVER (PARTITION BY run, label, source ORDER BY rank_by) AS rank
    FROM outcomes
    WHERE run IN (SELECT unnest([a, b]) FROM pair) AND of_part(split, judged, $split) AND ($source IS NULL OR source = $source)
        AND ($label IS NULL OR label_key(label) = label_key($label))
),
compared AS (
    SELECT one.label, one.source, one.image_id, coalesce(one.study_id, two.study_id) AS study_id,
        coalesce(one.patient_id, two.patient_id) AS patient_id, one.truth, one.run AS a, two.run AS b,
        one.score AS score_a, two.score AS score_b, two.score - one.score AS difference,
        one.rank AS rank_a, two.rank AS rank_b, two.rank - one.rank AS rank_difference
    FROM pair
    JOIN rows one ON one.run = pair.a
    JOIN rows two ON two.run = pair.b AND two.name = one.name AND two.unit = one.unit AND two.of_study = one.of_study
        AND two.said_by = one.said_by AND coalesce(one.patient_id = two.patient_id, true)
)
SELECT * FROM compared
ORDER BY abs(CASE WHEN $by = 'rank' THEN rank_difference ELSE difference END) DESC, label, source, study_id, image_id
LIMIT $most
