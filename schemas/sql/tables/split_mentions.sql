-- How many mentions of a concept a rule parts from it.
SELECT count(*) AS mentions
FROM mentions m
WHERE m.concept_id = $concept_id
  /*rule*/
