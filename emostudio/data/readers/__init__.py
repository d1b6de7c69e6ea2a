"""One dataset layout per file, each under the attribute ``READER``; see `emostudio.data.base`."""
