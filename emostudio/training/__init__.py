"""Training: one loop for supervised learning, distillation and every method's fine-tuning."""
