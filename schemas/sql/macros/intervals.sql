-- What the interval of an AUROC is made of, in the steps of kb/statistics/auroc.py; each may be called from any query.

-- The 97.5% quantile of Student's t by its expansion around the normal one; fewer than 3 degrees of freedom count as 3.
CREATE MACRO t_quantile(freedom) AS list_transform([greatest(freedom::DOUBLE, 3)], lambda v:
    '1.959963984540054'::DOUBLE + '2.372271230298562'::DOUBLE / v + '2.8224986157396112'::DOUBLE / v ** 2
    + '2.555849679507722'::DOUBLE / v ** 3)[1];

-- Hanley and McNeil's variance of an AUROC with the mean of both numbers in the place of each (Newcombe, 2006).
CREATE MACRO auroc_variance(auroc, positives, negatives) AS
    auroc * (1 - auroc) / (positives::DOUBLE * negatives::DOUBLE)
    * (1 + ((positives + negatives) / 2 - 1) * ((1 - auroc) / (2 - auroc) + auroc / (1 + auroc)));

-- Where Newcombe's interval around an AUROC ends towards `bound`, 0 or 1: the last value that the AUROC is no further from
-- than `quantile` errors, the variance `widened` by a factor. Found by 40 halvings of the way: what is left is under 1e-12.
CREATE MACRO auroc_end(auroc, bound, positives, negatives, widened, quantile) AS list_reduce(
    list_transform(range(0, 41), lambda k: CASE WHEN k = 0 THEN auroc::DOUBLE ELSE (bound - auroc) / 2 ** k END),
    lambda within, step: CASE
        WHEN abs(auroc - within - step)
            <= quantile * sqrt(widened * greatest(auroc_variance(within + step, positives, negatives), 0))
        THEN within + step ELSE within END);
