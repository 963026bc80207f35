"""BASE: settings, errors, database, clock, log, metrics, the way out to strangers."""
