"""The mode grep: literals and regular expressions in the text of nodes."""
