"""Chooses among several deployments of a model: by weight, load, latency, price, region, user, experiment or canary."""

from .plugin import Balancer

__all__ = ["Balancer"]
