-- The concepts that differ between two states, each as it was and as it is; vectors are left out.
WITH old AS (
    SELECT concept_id, struct_pack(text, normal_form, assertion, finding, anatomy, laterality, severity, descriptors,
                                   synonyms, status, replaced_by, splits, distinct_from, dismissed,
                                   mappings, source, note) AS said
    FROM old_concepts
),
new AS (
    SELECT concept_id, struct_pack(text, normal_form, assertion, finding, anatomy, laterality, severity, descriptors,
                                   synonyms, status, replaced_by, splits, distinct_from, dismissed,
                                   mappings, source, note) AS said
    FROM concepts
)
SELECT concept_id, old.said AS before, new.said AS after
FROM old
FULL JOIN new USING (concept_id)
WHERE old.said IS DISTINCT FROM new.said
ORDER BY concept_id
