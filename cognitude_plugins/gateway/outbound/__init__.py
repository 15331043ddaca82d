"""Where the gateway may connect to when somebody else than its operator names the address."""
