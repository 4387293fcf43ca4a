-- The threshold of every run, label and source of labels, before it is told: see the view `thresholds`.
WITH points AS (
    SELECT run, CAST(json_extract(parameters, '$.operating_points') AS MAP(VARCHAR, DOUBLE)) AS given FROM stored.runs
),
all_series AS (
    -- One small number for run, label and source: a million rows are sorted by it in less time and memory.
    SELECT (row_number() OVER ())::INTEGER AS number, m.series, n.run, n.label, m.source
    FROM (SELECT DISTINCT series, source FROM matched) m JOIN score_series n ON n.series = m.series
),
choosing AS (
    SELECT s.number, u.fold, m.score, m.judged, m.validates, count(*) FILTER (m.truth = 1) AS positives,
        count(*) FILTER (m.truth = 0) AS negatives
    FROM matched m JOIN all_series s ON s.series = m.series AND s.source = m.source
    JOIN score_units u ON u.number = m.unit
    WHERE m.truth IS NOT NULL AND u.split IS DISTINCT FROM 'external' AND (m.judged OR m.validates)
    GROUP BY ALL
),
enough AS (
    SELECT number, least(coalesce(sum(positives) FILTER (validates), 0),
        coalesce(sum(negatives) FILTER (validates), 0)) >= 10 AS validated
    FROM choosing GROUP BY number
),
used AS (
    -- Rows of the validation are of no fold: all of them choose each time.
    SELECT c.number, c.score, c.positives::INTEGER AS positives, c.negatives::INTEGER AS negatives,
        CASE WHEN NOT e.validated THEN c.fold END AS fold
    FROM choosing c JOIN enough e ON e.number = c.number
    WHERE CASE WHEN e.validated THEN c.validates ELSE c.judged END
),
others AS (
    SELECT u.* EXCLUDE (fold), f.fold FROM used u
    JOIN (SELECT unnest(range(5))::TINYINT AS fold) f ON u.fold IS DISTINCT FROM f.fold
),
totals AS (SELECT number, fold, sum(positives) AS positives, sum(negatives) AS negatives FROM others GROUP BY number, fold),
rates AS (
    SELECT number, fold, score, sum(positives) OVER above AS hits, sum(negatives) OVER above AS alarms
    FROM others WINDOW above AS (PARTITION BY number, fold ORDER BY score DESC)
),
best AS (
    -- In whole numbers, so that equal indices are equal: of these the highest cut is taken.
    SELECT t.number, t.fold, t.positives, t.negatives,
        arg_max(r.score, {'worth': r.hits * t.negatives - r.alarms * t.positives, 'score': r.score}) AS cut
    FROM rates r JOIN totals t ON t.number = r.number AND t.fold = r.fold GROUP BY ALL
),
chosen AS (
    SELECT number, list(cut ORDER BY fold) AS folds, quantile_disc(cut, 0.5) AS middle,
        CASE WHEN count(*) < 5 THEN 0 ELSE min(positives) END AS positives,
        CASE WHEN count(*) < 5 THEN 0 ELSE min(negatives) END AS negatives
    FROM best GROUP BY number
),
told AS (
    SELECT s.*, p.given[s.label] AS given, coalesce(e.validated, false) AS validated, c.folds, c.middle,
        coalesce(c.positives, 0) AS positives, coalesce(c.negatives, 0) AS negatives,
        least(coalesce(c.positives, 0), coalesce(c.negatives, 0)) >= 10 AS enough
    FROM all_series s
    LEFT JOIN points p ON p.run = s.run
    LEFT JOIN enough e ON e.number = s.number
    LEFT JOIN chosen c ON c.number = s.number
)
SELECT series, run, label, source, CASE WHEN given IS NOT NULL THEN given WHEN enough THEN middle END AS threshold,
    CASE WHEN given IS NOT NULL THEN 'given' WHEN NOT enough THEN 'nothing' WHEN validated THEN 'validation'
        ELSE 'cross-fitted' END AS chosen_on,
    CASE WHEN given IS NULL AND enough AND NOT validated THEN folds END AS folds,
    CASE WHEN given IS NULL THEN positives::BIGINT END AS positives,
    CASE WHEN given IS NULL THEN negatives::BIGINT END AS negatives
FROM told
