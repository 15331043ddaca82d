"""Prompts as digests."""
