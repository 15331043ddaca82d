"""What calls cost: prices from the configuration, from a table of our own, and from the map that LiteLLM ships."""

from .book import PriceBook
from .price import Price, Tier
from .price_map import price_map_path

__all__ = ["Price", "PriceBook", "Tier", "price_map_path"]
