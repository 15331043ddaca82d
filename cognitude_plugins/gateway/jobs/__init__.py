"""Jobs: when they are due, and which process of the cluster runs them."""
