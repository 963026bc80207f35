"""`heliograph serve`, `worker` and `migrate`: the service itself."""

import typer

from heliograph.cli.service import log_only_trouble, read_settings
from heliograph.cli.spoken import tell


def serve(
    host: str = typer.Option(None, help="Where to listen; 127.0.0.1 by default."),
    port: int = typer.Option(None, help="Where to listen; 8080 by default."),
    processes: int = typer.Option(1, min=1, help="How many processes share the port."),
    no_worker: bool = typer.Option(False, "--no-worker", help="Only answer; others do the work."),
) -> None:
    """Serve the API, and do the work, until told to stop."""
    from heliograph.cli.serving import serve_api

    serve_api(read_settings(host=host, port=port), processes=processes, work=not no_worker)


def worker(
    concurrency: int = typer.Option(None, help="How many jobs at once; 200 by default."),
    queues: str = typer.Option("run,check,deliver,render", help="Which queues, comma-separated."),
) -> None:
    """Do the work of a service that other processes answer for."""
    from heliograph.cli.serving import serve_queues
    from heliograph.worker import QUEUES

    known = ", ".join(QUEUES)
    wanted = list(dict.fromkeys(queue.strip() for queue in queues.split(",") if queue.strip()))
    if not wanted:
        raise typer.BadParameter(f"Name at least one of {known}", param_hint="--queues")
    for queue in wanted:
        if queue not in QUEUES:
            raise typer.BadParameter(f"{queue} is none of {known}", param_hint="--queues")
    serve_queues(read_settings(worker_concurrency=concurrency), wanted)


def migrate() -> None:
    """Bring the database to the schema of this version."""
    import asyncio

    from heliograph.runtime import prepare_database

    settings = read_settings()
    log_only_trouble(settings)
    with prepare_database(settings) as url:
        from heliograph.base.migrate import latest_revision
        from heliograph.base.migrate import migrate as run

        asyncio.run(run(url))
    tell(f"The database is at revision {latest_revision()}.")
