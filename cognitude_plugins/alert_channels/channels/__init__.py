"""Types of channel, and the channels there are."""
