-- A concept whose text, finding or normal form is empty, or whose assertion or side is not one of the known ones.
WITH told AS (
    SELECT concept_id, text, unnest([
        CASE WHEN NOT regexp_matches(text, '\S') THEN 'its text is empty' END,
        CASE WHEN NOT regexp_matches(finding, '\S') THEN 'its finding is empty' END,
        CASE WHEN NOT list_contains($assertions, assertion) THEN 'assertion ''' || assertion || '''' END,
        CASE WHEN NOT list_contains($lateralities, laterality) THEN 'laterality ''' || laterality || '''' END,
        CASE WHEN NOT starts_with(normal_form, assertion || ': ')
             THEN 'normal form ''' || normal_form || ''', but assertion ' || assertion END
    ]) AS detail
    FROM concepts
)
SELECT concept_id, text, detail
FROM told
WHERE detail IS NOT NULL
