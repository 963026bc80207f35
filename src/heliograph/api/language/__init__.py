"""What people are told of failures, in the language that they ask for: English, or Chinese by a table."""
