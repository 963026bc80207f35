"""What only the operator can mend is told: log, metric, and the operator's own webhook."""
