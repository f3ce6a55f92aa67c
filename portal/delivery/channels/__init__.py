"""How a finished document leaves the house; one module per channel."""
