# The tokenizer's engine.
