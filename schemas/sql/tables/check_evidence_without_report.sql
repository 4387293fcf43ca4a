-- A mention of a report that is not there.
SELECT o.concept_id, o.text, 'mentioned in report ' || o.report_id || ', which is not there' AS detail
FROM observations o
ANTI JOIN reports r USING (report_id)
