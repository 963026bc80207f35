"""The parts of the embedded PostgreSQL; `heliograph.base.postgres` is their door."""
