"""`heliograph admin`: signing in as an operator."""

import typer

from heliograph.cli.output import AsJson
from heliograph.cli.sign_in import print_link

app = typer.Typer(help="Operators: who looks after the service.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the name of a lone command."""


@app.command("sign-in")
def sign_in(
    name: str = typer.Option("operator", help="Who you are, for the log of what operators do."),
    as_json: AsJson = False,
) -> None:
    """Print a link that signs in as an operator, once, within 15 minutes."""
    from heliograph.accounts.sessions.session import check_operator
    from heliograph.accounts.sessions.sign_in import offer_operator_link
    from heliograph.base.clock import Clock

    try:
        check_operator(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--name") from None
    print_link(lambda pool: offer_operator_link(pool, name, now=Clock().now()), as_json=as_json)
