-- A concept that is replaced by, or split into, one that is not in the vocabulary.
WITH leads AS (
    SELECT concept_id, text, 'replaced by ' AS how, replaced_by AS target
    FROM concepts
    WHERE replaced_by IS NOT NULL
    UNION ALL
    SELECT concept_id, text, 'split into ' AS how, unnest(splits).into AS target
    FROM concepts
)
SELECT leads.concept_id, leads.text, leads.how || leads.target || ', which is not in the vocabulary' AS detail
FROM leads
ANTI JOIN concepts other ON other.concept_id = leads.target
