"""A sentence-transformers model that loads in no time and means nothing."""

from __future__ import annotations

from pathlib import Path


def tiny_sentence_transformer(folder: Path, dimension: int, seed: int) -> Path:
    """Write a sentence-transformers model with random weights: the real loading code, nothing to download."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(seed)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    bert = folder.with_name(folder.name + "-bert")
    bert.mkdir(parents=True)
    # As a mapping: from a file of words, this version of transformers takes the special tokens alone.
    BertTokenizerFast(vocab={word: number for number, word in enumerate(words)}).save_pretrained(bert)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=dimension,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=2 * dimension,
    )
    BertModel(config).save_pretrained(bert)
    model = SentenceTransformer(modules=[Transformer(str(bert)), Pooling(dimension)], device="cpu")
    model.save(str(folder))
    return folder
