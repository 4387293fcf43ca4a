-- A concept that is replaced by one that is not in the vocabulary.
SELECT c.concept_id, c.text, 'replaced by ' || c.replaced_by || ', which is not in the vocabulary' AS detail
FROM concepts c
ANTI JOIN concepts other ON other.concept_id = c.replaced_by
WHERE c.replaced_by IS NOT NULL
