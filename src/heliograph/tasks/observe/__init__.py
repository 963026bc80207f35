"""Looking at tasks: status, lists, detail, waiting for changes, and how long they take."""
