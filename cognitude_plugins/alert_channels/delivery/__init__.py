"""Messages that are to be sent, and sending them."""
