"""The `llm` extractor: a language model behind an OpenAI-compatible endpoint quotes, and we align what it quotes."""
