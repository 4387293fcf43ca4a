-- One of the concepts, or findings, that a prediction owes most to, as `clear-kb explain --all` has kept it.
--
-- run: the set of predictions
-- image_id: the image
-- label: what is predicted
-- grouping: concept, or finding where the concepts of each finding are summed: two ways to take one logit apart
-- rank: 1 for the largest contribution
-- concept_id: the concept; NULL for a finding
-- concept: its text
-- finding: its finding
-- score: of the concept in the image, above the mean image's; NULL for a finding
-- contribution: what that adds to the logit; `attribution_sums` has the rest of it
SELECT a.run, a.image_id, a.label, a.grouping, a.rank, a.concept_id, c.text AS concept,
    coalesce(a.finding, c.finding) AS finding, a.score, a.contribution
FROM stored.attributions a LEFT JOIN stored.concepts c ON c.concept_id = a.concept_id
