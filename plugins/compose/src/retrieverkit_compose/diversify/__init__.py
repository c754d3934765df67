"""Not too many hits of one kind."""
