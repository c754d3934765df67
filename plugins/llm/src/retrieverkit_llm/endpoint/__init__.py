"""HTTP requests to endpoints that speak OpenAI's protocol."""
