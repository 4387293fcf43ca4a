-- One concept in use with one that it stands under, itself included: what "rolled up" means.
--
-- concept_id: the concept
-- ancestor_id: itself, one that means the same, or one that is wider: a finding or place above its own, fewer words, no side
-- ancestor: the text of that concept
-- distance: how many steps up; 0 for itself and what means the same
-- direct: whether it is right above: no concept of the vocabulary is between
--
-- Joined by concept_id and grouped by ancestor_id, rows count for every wider concept too; count(DISTINCT ...) counts a
-- report, study or image once. Concepts of other assertions are never under each other: "no fracture" is under "no bone
-- abnormality". A wider concept that nobody mined is no row: `finding_ancestors` knows every finding of the lexicon.
SELECT a.concept_id, a.ancestor_id, c.text AS ancestor, a.distance, a.direct
FROM stored.ancestors a JOIN stored.concepts c ON c.concept_id = a.ancestor_id
