"""One file format per module, each as ``WRITER``; the key is the suffix."""
