"""Which providers and engines work, known to all processes: the circuit breaker."""
