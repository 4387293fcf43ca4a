-- A mention of a concept that is not there.
SELECT o.concept_id, o.text, 'mentioned in report ' || o.report_id || ', but not in the vocabulary' AS detail
FROM observations o
ANTI JOIN concepts c USING (concept_id)
