"""Other words for a query before it is asked."""
