"""Evaluation: how well the runs of a knowledge base predict what is held to be true, with honest intervals."""

from encoder.evaluation.evaluate import Options, evaluate
from encoder.evaluation.evaluation import Comparison, Evaluation, LeftOut, ReaderScore, Scored

__all__ = ["Comparison", "Evaluation", "LeftOut", "Options", "ReaderScore", "Scored", "evaluate"]
