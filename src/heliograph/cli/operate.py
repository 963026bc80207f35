"""`heliograph audit`, `doctor` and `openapi`: looking after an installation."""

import typer

from heliograph.cli.output import AsJson, print_json, print_table


def audit(
    changes: bool = typer.Option(
        False, "--changes", help="Only the totals, and what changed since the last clean audit."
    ),
    as_json: AsJson = False,
) -> None:
    """Prove that the books are right, task by task and in total; exit code 1 names every offender."""
    from heliograph.base.clock import Clock
    from heliograph.cli.service import with_pool
    from heliograph.cli.whoami import operator_here
    from heliograph.ledger.audit import audit_changes
    from heliograph.operators.proofs.prover import prove_now

    if changes:
        findings = with_pool(lambda _, pool: audit_changes(pool))
    else:
        findings = with_pool(lambda _, pool: prove_now(pool, Clock(), operator_here()))
    rows = [{"subject": one.subject, "problem": one.problem} for one in findings]
    clean = "Clean: every balance, hold, charge and refund agrees."
    if changes:
        clean = "Clean: the totals agree, and all that changed since the last clean audit."
    print_table(rows, as_json=as_json, nothing=clean)
    if findings:
        raise typer.Exit(1)


def doctor(as_json: AsJson = False) -> None:
    """Check this installation and say what to mend; exit code 1 when something is wrong."""
    import asyncio
    import dataclasses

    from heliograph.cli.check import show_check
    from heliograph.cli.checkup import check_all

    checks = asyncio.run(check_all())
    if as_json:
        print_json([dataclasses.asdict(check) for check in checks])
    for check in [] if as_json else checks:
        show_check(check)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    from heliograph.api.openapi import build_openapi
    from heliograph.catalog.models import MODELS
    from heliograph.cli.service import read_settings

    print_json(build_openapi(MODELS, read_settings().public_url))
