"""What is known beforehand: the matrix, its causes and evidence, the releases; loading and validating them."""
