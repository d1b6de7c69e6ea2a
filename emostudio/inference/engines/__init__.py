"""One inference engine per module, each as ``ENGINE``."""
