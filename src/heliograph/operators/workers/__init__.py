"""Which worker processes are alive: each says so every few seconds."""
