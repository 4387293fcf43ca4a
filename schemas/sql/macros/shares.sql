-- Shares of rows with the 95% interval that `kb.statistics.shares` gives: Wilson's, of as many rows as those of patients
-- are worth.

-- Wilson's score interval of a share of n independent rows, which need be no whole number: value, low and high.
CREATE MACRO wilson_of(share, n, z) AS {
    'value': share,
    'low': greatest(0::DOUBLE, least(share, (share + z * z / (2 * n)
        - z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n))),
    'high': least(1::DOUBLE, greatest(share, (share + z * z / (2 * n)
        + z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)))};

-- How many of n rows of m patients say as much as one of independent rows, by sums over patients: of rows squared (nn),
-- rows times those of which it is said (nx), and these squared (xx).
CREATE MACRO design_effect_of(share, n, m, nn, nx, xx) AS CASE WHEN m = n THEN 1::DOUBLE
    WHEN m < 2 OR share = 0 OR share = 1 THEN nn / n
    ELSE greatest(1::DOUBLE, (xx - 2 * share * nx + share * share * nn) * m / (m - 1) / (n * share * (1 - share))) END;

-- The share x / n of the rows of m patients, with its interval; NULL where there is no row.
CREATE MACRO share_of(n, x, m, nn, nx, xx) AS CASE WHEN n > 0 THEN wilson_of(
    x / n, n / design_effect_of(x / n, n, m, nn, nx, xx),
    CASE WHEN m = n THEN 1.959963984540054::DOUBLE ELSE t_quantile(m - 1) END) END;

-- Over rows of a patient each: the share of all their rows (n) of which it is said (x): .value, .low and .high.
CREATE MACRO share_over(n, x) AS share_of(sum(n)::DOUBLE, sum(x)::DOUBLE, (count(*) FILTER (n > 0))::DOUBLE,
    sum(n * n)::DOUBLE, sum(n * x)::DOUBLE, sum(x * x)::DOUBLE);
