-- Every concept that mentions are of, with the different ways in which they word it, most ways first.
SELECT w.concept_id, c.text, c.finding, count(*) AS wordings, CAST(sum(w.mentions) AS BIGINT) AS mentions,
       list(w.wording ORDER BY w.mentions DESC, w.wording) AS worded
FROM (
    SELECT m.concept_id, regexp_replace(lower(trim(m.text)), '\s+', ' ', 'g') AS wording, count(*) AS mentions
    FROM mentions m
    GROUP BY ALL
) w
JOIN concepts c USING (concept_id)
GROUP BY w.concept_id, c.text, c.finding
ORDER BY wordings DESC, mentions DESC, c.text
