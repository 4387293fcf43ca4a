-- Where the scores of a label are cut into yes and no, and by which rows that was chosen.
--
-- run: the set of predictions
-- label: what is predicted
-- source: the source of labels that it was chosen by
-- threshold: a score of this or more says yes; of cross-fitted ones the middle of the five; NULL where nothing could choose
-- chosen_on: given (with the run), validation, cross-fitted, or nothing: the first of these that there is
-- positives: how many it was chosen by: of cross-fitted ones the fewest of any of the five
-- negatives: likewise
-- lowest: of cross-fitted ones the lowest of the five
-- highest: and the highest: far apart, they say that the rows are too few to choose by
-- warning: why there is none, or why not to trust it: fewer than ten of either truth choose nothing, fewer than 20 little
--
-- The cut of the highest Youden index (sensitivity + specificity - 1), unless one is given with the run
-- (`clear-kb audit operating-points --set`). Validation rows choose where there are ten of each truth: of a run that was
-- trained here, or where a table names that split. Else the patients are dealt into five folds, and each fold is judged by
-- the cut of the other four: no row is judged by a threshold that it helped to choose. External rows choose nothing.
SELECT run, label, source, threshold, chosen_on, positives, negatives, list_min(folds) AS lowest,
    list_max(folds) AS highest,
    CASE WHEN chosen_on = 'given' THEN NULL
        WHEN chosen_on = 'nothing' THEN concat('chosen by nothing: ', positives, ' positives and ', negatives,
            ' negatives, and 10 of each are needed')
        WHEN positives < 20 THEN concat('chosen by ', positives, ' positives, under 20')
        WHEN negatives < 20 THEN concat('chosen by ', negatives, ' negatives, under 20') END AS warning
FROM cuts
WHERE source IS NOT NULL OR chosen_on = 'given'
