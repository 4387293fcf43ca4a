-- The ROC and precision-recall curves as rows: what calling positive from each score on comes to.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
SELECT * FROM roc($run, $label, part := $split)
WHERE ($source IS NULL OR source = $source)
ORDER BY run, label, source, called
