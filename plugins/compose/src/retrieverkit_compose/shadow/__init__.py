"""One retriever serves, another is compared with it off the path."""
