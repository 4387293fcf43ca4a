-- The threshold of every run, label and source of labels, before it is told: see the view `thresholds`.
WITH points AS (
    SELECT run, CAST(json_extract(parameters, '$.operating_points') AS MAP(VARCHAR, DOUBLE)) AS given FROM stored.runs
),
all_series AS (SELECT DISTINCT series, run, label, source FROM matched),
choosing AS (
    SELECT series, source, fold, score, truth, judged, validates FROM matched
    WHERE truth IS NOT NULL AND split IS DISTINCT FROM 'external'
),
enough AS (
    SELECT series, source, least(count(*) FILTER (validates AND truth = 1),
        count(*) FILTER (validates AND truth = 0)) >= 10 AS validated
    FROM choosing GROUP BY ALL
),
used AS (
    -- Rows of the validation are of no fold: all of them choose each time.
    SELECT c.series, c.source, c.score, c.truth::INTEGER AS truth, CASE WHEN NOT e.validated THEN c.fold END AS fold
    FROM choosing c JOIN enough e ON e.series = c.series AND e.source = c.source
    WHERE CASE WHEN e.validated THEN c.validates ELSE c.judged END
),
others AS (
    SELECT u.* EXCLUDE (fold), f.fold FROM used u
    JOIN (SELECT unnest(range(5)) AS fold) f ON u.fold IS DISTINCT FROM f.fold
),
rates AS (
    SELECT series, source, fold, score, sum(truth) OVER above AS hits, sum(1 - truth) OVER above AS alarms,
        sum(truth) OVER everything AS positives, sum(1 - truth) OVER everything AS negatives
    FROM others
    WINDOW everything AS (PARTITION BY series, source, fold),
        above AS (PARTITION BY series, source, fold ORDER BY score DESC)
),
best AS (
    -- In whole numbers, so that equal indices are equal: of these the highest cut is taken.
    SELECT series, source, fold, any_value(positives) AS positives, any_value(negatives) AS negatives,
        arg_max(score, {'worth': hits * negatives - alarms * positives, 'score': score}) AS cut
    FROM rates GROUP BY series, source, fold
),
chosen AS (
    SELECT series, source, list(cut ORDER BY fold) AS folds, quantile_disc(cut, 0.5) AS middle,
        CASE WHEN count(*) < 5 THEN 0 ELSE min(positives) END AS positives,
        CASE WHEN count(*) < 5 THEN 0 ELSE min(negatives) END AS negatives
    FROM best GROUP BY series, source
),
told AS (
    SELECT s.*, p.given[s.label] AS given, coalesce(e.validated, false) AS validated, c.folds, c.middle,
        coalesce(c.positives, 0) AS positives, coalesce(c.negatives, 0) AS negatives,
        least(coalesce(c.positives, 0), coalesce(c.negatives, 0)) >= 10 AS enough
    FROM all_series s
    LEFT JOIN points p ON p.run = s.run
    LEFT JOIN enough e ON e.series = s.series AND e.source = s.source
    LEFT JOIN chosen c ON c.series = s.series AND c.source = s.source
)
SELECT series, run, label, source, CASE WHEN given IS NOT NULL THEN given WHEN enough THEN middle END AS threshold,
    CASE WHEN given IS NOT NULL THEN 'given' WHEN NOT enough THEN 'nothing' WHEN validated THEN 'validation'
        ELSE 'cross-fitted' END AS chosen_on,
    CASE WHEN given IS NULL AND enough AND NOT validated THEN folds END AS folds,
    CASE WHEN given IS NULL THEN positives::BIGINT END AS positives,
    CASE WHEN given IS NULL THEN negatives::BIGINT END AS negatives
FROM told
