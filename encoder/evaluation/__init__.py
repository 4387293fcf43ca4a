"""Evaluation: how well the runs of a knowledge base predict the ground truth, with honest intervals."""

from encoder.evaluation.evaluate import evaluate
from encoder.evaluation.evaluation import Comparison, Evaluation, LeftOut, ReaderScore, Scored
from encoder.evaluation.options import Options

__all__ = ["Comparison", "Evaluation", "LeftOut", "Options", "ReaderScore", "Scored", "evaluate"]
