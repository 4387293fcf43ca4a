-- Where the scores of a label are cut into yes and no, and by which rows that was chosen.
--
-- run: the set of predictions
-- label: what is predicted
-- source: the source of labels that it was chosen by
-- threshold: a score of this or more says yes: the cut of the highest Youden index (sensitivity + specificity - 1)
-- chosen_on: validation, where that split has five rows of each truth; else all that are not external, itself judged by it
-- youden: the index there
-- sensitivity: there
-- specificity: there
--
-- External rows choose nothing: a label that is known of them alone has no threshold.
WITH known AS (SELECT run, label, source, score, truth, split FROM outcomes
    WHERE truth IS NOT NULL AND split IS DISTINCT FROM 'external'),
enough AS (
    SELECT run, label, source,
        least(count(*) FILTER (truth = 1), count(*) FILTER (truth = 0)) >= 5 AS validated
    FROM known WHERE split = 'validation' GROUP BY ALL
),
chosen AS (
    SELECT k.*, coalesce(e.validated, false) AS validated
    FROM known k LEFT JOIN enough e USING (run, label, source)
    WHERE k.split = 'validation' OR NOT coalesce(e.validated, false)
),
steps AS (
    SELECT run, label, source, validated, score, count(*) FILTER (truth = 1) AS positives,
        count(*) FILTER (truth = 0) AS negatives
    FROM chosen GROUP BY ALL
),
rates AS (
    SELECT run, label, source, validated, score,
        sum(positives) OVER above / nullif(sum(positives) OVER everything, 0) AS sensitivity,
        1 - sum(negatives) OVER above / nullif(sum(negatives) OVER everything, 0) AS specificity
    FROM steps
    WINDOW everything AS (PARTITION BY run, label, source),
        above AS (PARTITION BY run, label, source ORDER BY score DESC)
)
SELECT run, label, source, score AS threshold, CASE WHEN validated THEN 'validation' ELSE 'all' END AS chosen_on,
    sensitivity + specificity - 1 AS youden, sensitivity, specificity
FROM rates
WHERE sensitivity IS NOT NULL AND specificity IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY run, label, source ORDER BY sensitivity + specificity DESC, score DESC) = 1
