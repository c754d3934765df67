"""all-MiniLM-L6-v2 without torch: the official weights, run by numpy."""
