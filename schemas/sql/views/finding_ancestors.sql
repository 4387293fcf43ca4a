-- One finding of the lexicon with one that it stands under, itself included.
--
-- finding: the finding, device or normal statement
-- ancestor: itself, or a wider one: of "rib fracture" "fracture" and "bone abnormality"
-- distance: how many steps up; 0 for itself
--
-- It needs no concept: errors are rolled up to "fracture" or "device" also where no report says just that.
SELECT finding, ancestor, distance FROM stored.finding_ancestors
