-- What reports of false negatives speak of more than those of true positives: concepts mentioned as present.
--
-- run text: only this run
-- label text: only this label
-- source text: only by this source of labels
-- least int = 5: only concepts that so many false negatives mention
-- most int = 50: how many rows of each run, label and source
-- under text: only what stands under this concept or finding: a text, an id or how it begins, or a finding ("fracture")
-- roll_up int = 0: 1 counts a mention for all wider concepts too: one of a rib fracture for "fracture"
-- split text: train, validation, test, external, internal or all; default: all rows but those that a run of ours learned from
--
-- It counts studies: a study is wrong where any of its images is. Reports are found by the study. The odds ratio is
-- that of a mention among false negatives against true positives, with 0.5 added to each count and its 95% interval: it
-- says what goes with the error, and not why.
WITH judged AS (
    SELECT o.run, o.label, o.source, o.study_id, o.patient_id, bool_or(NOT o.decision) AS wrong
    FROM outcomes o
    SEMI JOIN reports r ON r.study_id = o.study_id AND coalesce(r.patient_id = o.patient_id, true)
    WHERE o.truth = 1 AND o.source IS NOT NULL AND o.decision IS NOT NULL AND of_part(o.split, o.judged, $split)
        AND ($run IS NULL OR o.run = $run)
        AND ($label IS NULL OR label_key(o.label) = label_key($label)) AND ($source IS NULL OR o.source = $source)
    GROUP BY ALL
),
totals AS (
    SELECT run, label, source, count(*) FILTER (wrong) AS bad, count(*) FILTER (NOT wrong) AS good
    FROM judged GROUP BY ALL
),
rolled AS (
    SELECT concept_id, concept_id AS ancestor_id FROM concepts
    UNION SELECT concept_id, ancestor_id FROM concept_ancestors WHERE $roll_up = 1
),
wanted AS (
    SELECT concept_id FROM concept_ancestors
    WHERE lower(ancestor) = lower($under) OR starts_with(ancestor_id, $under)
    UNION SELECT c.concept_id FROM concepts c JOIN finding_ancestors f ON f.finding = c.finding
    WHERE f.ancestor = lower($under)
),
said AS (
    SELECT DISTINCT o.study_id, o.patient_id, c.concept_id, c.text AS concept, c.finding
    FROM observations o
    JOIN rolled p ON p.concept_id = o.concept_id
    JOIN concepts c ON c.concept_id = p.ancestor_id
    WHERE o.assertion = 'present' AND o.study_id IN (SELECT study_id FROM judged)
        AND c.status <> 'aside' AND ($under IS NULL OR c.concept_id IN (FROM wanted))
),
counted AS (
    SELECT j.run, j.label, j.source, s.concept_id, s.concept, s.finding, count(*) FILTER (j.wrong) AS bad_with,
        count(*) FILTER (NOT j.wrong) AS good_with
    FROM judged j JOIN said s ON s.study_id = j.study_id AND coalesce(s.patient_id = j.patient_id, true)
    GROUP BY ALL
    HAVING count(*) FILTER (j.wrong) >= $least
),
rated AS (
    SELECT c.*, t.bad, t.good,
        ln((bad_with + 0.5) * (t.good - good_with + 0.5)
            / ((t.bad - bad_with + 0.5) * (good_with + 0.5))) AS odds,
        sqrt(1 / (bad_with + 0.5) + 1 / (t.good - good_with + 0.5) + 1 / (t.bad - bad_with + 0.5)
            + 1 / (good_with + 0.5)) AS error
    FROM counted c JOIN totals t ON t.run = c.run AND t.label = c.label AND t.source = c.source
)
SELECT run, label, source, concept_id, concept, finding,
    bad_with AS false_negatives_with, bad AS false_negatives,
    good_with AS true_positives_with, good AS true_positives,
    exp(odds) AS odds_ratio, exp(odds - 1.959964 * error) AS odds_low, exp(odds + 1.959964 * error) AS odds_high
FROM rated
QUALIFY row_number() OVER (PARTITION BY run, label, source ORDER BY odds / error DESC, concept_id) <= $most
ORDER BY run, label, source, odds / error DESC, concept_id
