"""A found node with its neighbours."""
