"""What caches, coalescing and routing have saved."""
