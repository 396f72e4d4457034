"""Models: problems declared, datasets as of the day, training, evaluation, the gate and registry, scoring as steps."""
