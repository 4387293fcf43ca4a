-- How often each concept is mentioned; a replaced concept's mentions are its survivor's. Reports are not told apart.
SELECT m.concept_id, count(*) AS mentions
FROM mentions m
GROUP BY 1
