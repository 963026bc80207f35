"""The Model Context Protocol: agents make pictures with tools, over HTTP at /mcp or by `heliograph mcp`."""
