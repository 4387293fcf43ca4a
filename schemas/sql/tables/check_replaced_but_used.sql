-- A concept that forwards to another but is not retired.
SELECT concept_id, text, 'forwards to ' || replaced_by || ' but is ' || status AS detail
FROM concepts
WHERE replaced_by IS NOT NULL AND status != 'retired'
