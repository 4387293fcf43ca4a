-- One set of predictions: how they were made.
--
-- run: its name
-- method: zero-shot, probe, bottleneck, or how an imported one was said to be made
-- space: what its heads read: encoder, llm or backbone
-- encoder: the image encoder, where it is one of ours
-- embedder: of the vocabulary it depends on
-- vocabulary_commit: the commit of that
-- labels: what it predicts, for runs of ours
-- operating_points: the thresholds that are given with it, by label
-- parameters: what else was chosen, as JSON
-- time: when
SELECT run, method, space, encoder, embedder, vocabulary_commit, list_transform(heads, lambda h: h.label) AS labels,
    CAST(json_extract(parameters, '$.operating_points') AS MAP(VARCHAR, DOUBLE)) AS operating_points, parameters, time
FROM stored.runs
