"""A sentence to statements: tokens, cues, coordination, predication, temporality."""
