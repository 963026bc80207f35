"""The MCP server: hands the tools to the official package, for one caller at a time."""

import base64
from functools import cache
from importlib.metadata import version
from typing import Any

import mcp_types as types
import msgspec
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from heliograph.api.doors.mcp.api import Api, plain
from heliograph.api.doors.mcp.tools import TOOLS, Outcome, Report, Tool
from heliograph.base.errors import Fault

INSTRUCTIONS = (
    "Makes and edits pictures from descriptions. generate_image makes them and costs money; quote says"
    " beforehand how much. A picture that takes long is fetched with get_task. Show the links to the user."
)

#: How much the progress grows at least with each notification, because it must.
LEAST_PROGRESS = 0.001


def build_server(api: Api) -> Server[Any]:
    """A server whose tools ask `api`; made anew for each caller, which costs little."""

    async def list_tools(
        _context: Any, _: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=list(_described()))

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = _named(params.name)
        try:
            arguments = msgspec.convert(params.arguments or {}, tool.arguments)
            return _answer(await tool.run(api, arguments, _reporter(context)))
        except msgspec.ValidationError as error:
            return _refused(f"The arguments are wrong: {error}")
        except Fault as fault:
            return _refused(fault.message)

    return Server(
        "heliograph",
        title="Heliograph",
        version=version("heliograph"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(api: Api) -> None:
    """Serve one client on standard input and output, until it closes them."""
    server = build_server(api)
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


def _named(name: str) -> Tool:
    for tool in TOOLS:
        if tool.name == name:
            return tool
    names = ", ".join(tool.name for tool in TOOLS)
    raise MCPError(types.INVALID_PARAMS, f"There is no tool {name[:60]!r}, only {names}.")


def _reporter(context: Any) -> Report:
    told = 0.0

    async def report(done: float, words: str) -> None:
        nonlocal told
        told = max(done, told + LEAST_PROGRESS)
        await context.session.report_progress(told, 1.0, words)

    return report


def _answer(outcome: Outcome) -> types.CallToolResult:
    pictures = [
        types.ImageContent(data=base64.b64encode(one.data).decode(), mime_type=one.media_type)
        for one in outcome.previews
    ]
    return types.CallToolResult(
        content=[*pictures, types.TextContent(text=outcome.text)],
        structured_content=plain(outcome.result),
        is_error=outcome.failed,
    )


def _refused(sentence: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=sentence)], is_error=True)


@cache
def _described() -> tuple[types.Tool, ...]:
    return tuple(
        types.Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=schema_of(tool.arguments),
            output_schema=schema_of(tool.result),
            annotations=types.ToolAnnotations(
                title=tool.title,
                read_only_hint=tool.read_only,
                destructive_hint=tool.destructive,
                idempotent_hint=tool.idempotent,
                open_world_hint=True,
            ),
        )
        for tool in TOOLS
    )


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of `kind`, an object at its root, as MCP wants it."""
    schema = msgspec.json.schema(kind)
    parts: dict[str, Any] = schema["$defs"]
    root: dict[str, Any] = parts.pop(kind.__name__)
    return {**root, "$defs": parts} if parts else root
