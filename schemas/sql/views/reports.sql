-- One report.
--
-- report_id: the report
-- study_id: its study
-- patient_id: its patient
-- source: the file it came from
-- extractor: what its observations were found by
-- sections: names and texts, as a list; texts are NULL where they are not stored
SELECT report_id, study_id, patient_id, source, extractor, sections FROM stored.reports
