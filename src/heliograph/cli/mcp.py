"""The MCP server on standard input and output, for agents that start their servers themselves."""

import os


def mcp() -> None:
    """Serve pictures to an agent: a Model Context Protocol server on standard input and output."""
    import asyncio

    import httpx2

    from heliograph.api.doors.mcp.api import TIMEOUT, Api
    from heliograph.api.doors.mcp.server import serve_stdio
    from heliograph_client import Client

    # it finds address and key, and says what to do when there is none
    with Client() as client:
        base_url = client.base_url

    async def serve() -> None:
        headers = {"Authorization": f"Bearer {os.environ['HELIOGRAPH_API_KEY']}"}
        async with httpx2.AsyncClient(base_url=base_url, timeout=TIMEOUT) as http:
            await serve_stdio(Api(http, headers))

    asyncio.run(serve())
