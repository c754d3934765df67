"""Language models behind endpoints that speak OpenAI's protocol."""
