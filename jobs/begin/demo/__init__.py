"""The demo corpus: drawn scenes with known labels and planted bias, and a tiny open_clip model."""
