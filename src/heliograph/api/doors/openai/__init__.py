"""The images API of OpenAI: the same keys, money and tasks underneath."""
