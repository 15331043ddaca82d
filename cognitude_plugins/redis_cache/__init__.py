"""Answers that are given again: the same question is paid for once."""

from .plugin import RedisCache

__all__ = ["RedisCache"]
