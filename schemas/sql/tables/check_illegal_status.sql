-- A concept whose status is not one of the known ones.
SELECT concept_id, text, 'status ''' || status || '''' AS detail
FROM concepts
WHERE NOT list_contains($statuses, status)
