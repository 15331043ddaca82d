"""A model for trying and testing: the OpenAI surface, deterministic answers, faults on request."""
