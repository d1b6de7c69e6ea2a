"""EmoStudio: compress emotion networks, prove what each step gained, see the variants live."""

import os

__version__ = "0.1.0"

# Threads of torch that spin while they wait starve each other as soon as anything else runs: on a
# busy 2-core machine training became 5 to 10 times faster without. OpenMP reads this only once.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
