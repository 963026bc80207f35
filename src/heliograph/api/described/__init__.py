"""Every operation of the HTTP API as data: what it takes, answers and refuses. See openapi.py."""
