"""The same documents in several sizes, one answer."""
