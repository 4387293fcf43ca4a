-- What scores belong together: those of one run for one label, by one small number.
SELECT (row_number() OVER ())::INTEGER AS series, p.*, h.run IS NOT NULL AS here FROM (
    SELECT run, label, label_key(label) AS name, count(*) = count(logit) AS by_logit, count(*) AS scores
    FROM stored.predictions GROUP BY run, label
) p LEFT JOIN stored.trained_here h ON h.run = p.run
