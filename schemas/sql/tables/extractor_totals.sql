-- How many reports each extractor mined.
SELECT extractor, count(*) AS reports
FROM reports
GROUP BY extractor
ORDER BY reports DESC
