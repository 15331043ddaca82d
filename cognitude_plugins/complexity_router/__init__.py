"""The cheapest model that is good enough: what a prompt looks like, what is known of such prompts, and a decision."""
