"""EmoStudio: compress emotion networks, prove what each step gained, see the variants live."""

__version__ = "0.1.0"
