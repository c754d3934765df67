"""Language models of other vendors, through pydantic-ai."""
