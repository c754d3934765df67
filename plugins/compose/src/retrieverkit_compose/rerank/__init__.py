"""Another order for what a retriever found."""
