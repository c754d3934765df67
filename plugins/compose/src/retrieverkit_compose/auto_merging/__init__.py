"""Parents in place of their children."""
