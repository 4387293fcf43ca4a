-- How many concepts there are by assertion and status, and how many lack an embedding.
SELECT assertion, status, count(*) AS concepts, count(*) FILTER (embedder IS NULL) AS not_embedded
FROM concepts
GROUP BY assertion, status
ORDER BY assertion DESC, status
