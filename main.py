"""Start EmoStudio from a checkout or a frozen build."""

import multiprocessing
import sys

from emostudio.cli import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main(sys.argv[1:]))
