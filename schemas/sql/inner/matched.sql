-- Each prediction beside its truth by each source of labels: what the view `outcomes` is before thresholds are chosen.
WITH names AS (
    SELECT p.*, row_number() OVER () AS series, h.run IS NOT NULL AS here FROM (
        SELECT run, label, label_key(label) AS name, count(*) = count(logit) AS by_logit
        FROM stored.predictions GROUP BY run, label
    ) p LEFT JOIN stored.trained_here h ON h.run = p.run
),
rows AS (
    SELECT n.series, n.here, p.run, p.label, n.by_logit, p.image_id, coalesce(p.study_id, i.study_id) AS study_id,
        w.patient_id, w.owner, p.score, p.logit,
        t.source, t.value AS truth, i.view, i.sex, i.age, i.age_band, i.site, i.month, i.attributes
    FROM stored.predictions p
    JOIN names n ON n.run = p.run AND n.label = p.label
    LEFT JOIN images i ON i.image_id = p.image_id
    LEFT JOIN truths t ON t.level = 'image' AND t.unit = p.image_id AND t.name = n.name
    LEFT JOIN stored.patients w ON w.level = 'image' AND w.unit = p.image_id
    WHERE p.image_id IS NOT NULL
    UNION ALL
    SELECT n.series, n.here, p.run, p.label, n.by_logit, p.image_id, p.study_id,
        coalesce(p.patient_id, s.patient_id, w.patient_id),
        coalesce(p.patient_id, s.patient_id, w.patient_id, p.study_id), p.score, p.logit, t.source, t.value, NULL,
        s.sex, s.age, s.age_band, s.site, s.month, s.attributes
    FROM stored.predictions p
    JOIN names n ON n.run = p.run AND n.label = p.label
    LEFT JOIN studies s ON s.study_id = p.study_id
    LEFT JOIN truths t ON t.level = 'study' AND t.unit = p.study_id AND t.name = n.name
        AND (t.patient_id IS NULL OR coalesce(p.patient_id, s.patient_id) IS NULL
            OR t.patient_id = coalesce(p.patient_id, s.patient_id))
    LEFT JOIN stored.patients w ON w.level = 'study' AND w.unit = p.study_id
    WHERE p.image_id IS NULL
)
SELECT r.series, r.run, r.label, r.source, r.image_id, r.study_id, r.patient_id, r.owner, o.split, o.fold, r.score,
    r.logit, CASE WHEN r.by_logit THEN r.logit ELSE r.score END AS rank_by, r.truth,
    NOT (r.here AND coalesce(o.split IN ('train', 'validation'), false)) AS judged,
    -- Of a run from elsewhere a drawn split says nothing: it learned and chose on none of these.
    coalesce(o.split = 'validation' AND (r.here OR o.named), false) AS validates,
    r.view, r.sex, r.age, r.age_band, r.site, r.month, r.attributes
FROM rows r LEFT JOIN stored.owners o ON o.owner = r.owner
