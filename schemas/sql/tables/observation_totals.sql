-- How many mentions there are by assertion.
SELECT assertion, count(*) AS observations
FROM observations
GROUP BY assertion
ORDER BY observations DESC
