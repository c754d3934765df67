"""What retriever plugins are tested with."""
