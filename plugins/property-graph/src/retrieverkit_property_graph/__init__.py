"""The property-graph modes."""
