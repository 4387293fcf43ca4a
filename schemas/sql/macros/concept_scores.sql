-- concept_scores(image): the score of every concept with a vector in one image, s = C f, by each encoder with vectors of both.
CREATE MACRO concept_scores(image) AS TABLE
SELECT i.image_id, c.encoder, c.concept_id, c.text, c.finding, c.assertion,
    c.scale * array_inner_product(c.vector, i.vector) + c.bias AS score
FROM image_vectors i JOIN concept_vectors c ON c.encoder = i.encoder
WHERE i.image_id = image;
