-- One concept of the vocabulary, with how often reports mention it.
--
-- concept_id: its id
-- text: its words
-- assertion: present or absent
-- finding: the finding it is of
-- kind: finding, device, normal, or other where it is put aside or the lexicon does not know it
-- anatomy: where
-- laterality: left, right, bilateral or none
-- severity: how much
-- descriptors: what else is said of the finding
-- synonyms: its other names
-- status: candidate, accepted, rejected, retired, or aside where it is no well-formed observation
-- replaced_by: the concept that stands for it
-- source: where it came from
-- note: a curator's
-- mentions: how often reports mention it; a replaced concept's mentions are its survivor's
-- reports: in how many reports
-- uncertain: how many of the mentions are hedged
SELECT c.concept_id, c.text, c.assertion, c.finding, CASE WHEN c.status = 'aside' THEN 'other' ELSE coalesce(k.kind, 'other') END AS kind, c.anatomy, c.laterality, c.severity, c.descriptors, c.synonyms,
    c.status, c.replaced_by, c.source, c.note, coalesce(m.mentions, 0) AS mentions, coalesce(m.reports, 0) AS reports,
    coalesce(m.uncertain, 0) AS uncertain
FROM stored.concepts c
LEFT JOIN stored.kinds k ON k.finding = c.finding
LEFT JOIN (
    SELECT concept_id, count(*) AS mentions, count(DISTINCT report_id) AS reports,
        count(*) FILTER (assertion = 'uncertain') AS uncertain
    FROM mentions GROUP BY concept_id
) m ON m.concept_id = c.concept_id
