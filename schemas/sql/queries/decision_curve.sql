-- Whether treating by a model's scores does more good than treating all or none: net benefit by threshold probability.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
-- most float = 0.5: up to this probability
--
-- Net benefit (Vickers and Elkin 2006) is hits less alarms, weighed by the odds of the probability from which on one would
-- treat, per row. It takes scores for probabilities: look at `calibration` first.
SELECT * FROM decision_curve($run, $label, part := $split)
WHERE ($source IS NULL OR source = $source) AND probability <= $most
ORDER BY run, label, source, probability
