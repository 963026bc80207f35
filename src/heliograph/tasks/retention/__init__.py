"""What is kept for a while: files, and the texts of tasks."""
