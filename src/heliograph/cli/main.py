"""The command `heliograph`. Commands import what they need when they run, so that help is instant."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer

from heliograph.cli import account, admin, client, demo, key, mcp, operate, serve, task, webhook

app = typer.Typer(
    name="heliograph",
    help="Self-hosted image-generation task service: a prompt in, pictures out.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,  # plain help: rich takes longer to import than all the rest here
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(serve.serve)
app.command()(serve.worker)
app.command()(serve.migrate)
app.add_typer(account.app, name="account")
app.add_typer(key.app, name="key")
app.add_typer(admin.app, name="admin")
app.add_typer(task.app, name="task")
app.add_typer(webhook.app, name="webhook")
app.command()(client.generate)
app.command()(client.wait)
app.command()(client.status)
app.command()(client.tasks)
app.command()(client.cancel)
app.command()(client.quote)
app.command()(client.balance)
app.command()(client.models)
app.command()(mcp.mcp)
app.command()(operate.audit)
app.command()(operate.doctor)
app.command()(operate.openapi)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and end."),
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"heliograph {version_of('heliograph')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run() -> NoReturn:
    """Run the command line. What went wrong is said in a sentence: exit code 1 or 2, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal that does not know a character shows its number
            stream.reconfigure(errors="backslashreplace")
    try:
        _refuse_other_encodings(sys.argv[1:])
        # typer itself would speak English only
        ended = _command()(prog_name="heliograph", standalone_mode=False)
    except Exception as error:
        code = _explain(error)
        if code is None:
            raise
        sys.exit(code)
    sys.exit(ended or 0)


def _refuse_other_encodings(arguments: Sequence[str]) -> None:
    """Raise OperatorError for an argument that is not UTF-8, which nothing here can store or show."""
    from heliograph.base.errors import OperatorError

    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise OperatorError(f"Argument {number} is not written in UTF-8.") from None


def _command() -> Callable[..., Any]:
    """All commands, with their help in the language of the terminal."""
    from heliograph.cli.spoken import locale_language

    command = typer.main.get_command(app)
    if locale_language(os.environ) != "en":
        from heliograph.cli.usage import translate_help

        translate_help(command)
    return command


def _explain(error: Exception) -> int | None:
    """Say what went wrong; gives the exit code, None for a defect of ours."""
    from typer.exceptions import TyperException

    from heliograph.cli.output import explain
    from heliograph.cli.spoken import in_locale, show_usage

    usage_is_wrong = isinstance(error, TyperException)
    sentence = show_usage(error) if usage_is_wrong else explain(error)
    if sentence is None:
        return None
    if sentence:
        typer.secho(f"heliograph: {in_locale(sentence, os.environ)}", err=True, fg="red")
    return 2 if usage_is_wrong else 1
