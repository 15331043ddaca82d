"""Every provider that does not speak the OpenAI API, translated by LiteLLM, which is imported on first use only."""
