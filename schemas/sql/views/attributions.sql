-- One of the concepts that a prediction owes most to, as `clear-kb audit attribution --store` has kept it.
--
-- run: the set of predictions
-- image_id: the image
-- label: what is predicted
-- rank: 1 for the largest contribution
-- concept_id: the concept
-- concept: its text
-- finding: its finding
-- score: of the concept in the image, above the mean image's
-- contribution: what that adds to the logit
SELECT a.run, a.image_id, a.label, a.rank, a.concept_id, c.text AS concept, c.finding, a.score, a.contribution
FROM stored.attributions a LEFT JOIN stored.concepts c ON c.concept_id = a.concept_id
