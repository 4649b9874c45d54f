"""For all tests: one thread per process, so that they are calm beside each other."""

import torch

torch.set_num_threads(1)
