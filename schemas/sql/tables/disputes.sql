-- The statements on which two extractors differ, with the section text they stand in, in the order of the reports.
SELECT d.*, list_filter(r.sections, lambda s: s.name = d.section)[1].text AS section_text
FROM disputes d
LEFT JOIN reports r USING (report_id)
WHERE ($report_id IS NULL OR d.report_id = $report_id) AND (NOT $open OR d.decision IS NULL)
ORDER BY d.report_id, d.section, d.readings[1].spans[1].start, d.dispute_id
