#!/usr/bin/env python3
"""Twenty steps of training here and in PyTorch, from the same weights on the same batches with dropout
off, and the largest difference of their losses. Needs torch, transformers and safetensors.

usage: python3 scripts/peers/twenty_steps.py [--bound 1e-4]
"""
import argparse
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import save_file
from transformers import YosoConfig, YosoForMaskedLM, YosoForSequenceClassification

HERE = os.path.dirname(os.path.abspath(__file__))
YOSO = os.path.join(HERE, "..", "..", "build", "yoso")
STEPS, WORDS = 20, 1000


def case(name):
    """A model and its batches."""
    torch.manual_seed(5)
    config = YosoConfig(vocab_size=WORDS, hidden_size=128, num_hidden_layers=3, num_labels=3,
                        num_attention_heads=4, intermediate_size=512, max_position_embeddings=130,
                        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, hash_code_len=9)
    batches = {}
    for step in range(STEPS):
        ids = torch.randint(5, WORDS, (8, 64))
        batches[f"input_ids.{step}"] = ids
        if name == "masked-lm":
            chosen = torch.rand(ids.shape) < 0.15
            batches[f"labels.{step}"] = torch.where(chosen, ids, -100)
            batches[f"input_ids.{step}"] = ids.masked_fill(chosen, 4)
        else:
            batches[f"labels.{step}"] = ids[:, 0] % 3
    kind = YosoForMaskedLM if name == "masked-lm" else YosoForSequenceClassification
    return kind(config), batches


def reference(model, batches):
    model.train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.01},
         {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}], lr=1e-3)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = model(input_ids=batches[f"input_ids.{step}"], labels=batches[f"labels.{step}"]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bound", type=float, default=1e-4)
    args = parser.parse_args()
    failed = False
    for name in ("masked-lm", "sequence-classification"):
        model, batches = case(name)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            save_file(batches, os.path.join(folder, "batches.safetensors"))
            wanted = reference(model, batches)
            for mode in ([], ["--exact"]):
                output = subprocess.run(
                    [YOSO, os.path.join(HERE, "twenty_steps.lua"), folder, *mode], check=True,
                    capture_output=True, text=True).stdout
                losses = [float(line) for line in output.split()]
                worst = max(abs(a - b) for a, b in zip(losses, wanted))
                failed = failed or len(losses) != STEPS or worst > args.bound
                print(f"{name:24} {'exact' if mode else 'usual':6} first {losses[0]:.6f} last "
                      f"{losses[-1]:.6f} PyTorch's last {wanted[-1]:.6f} "
                      f"largest difference {worst:.2e}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
