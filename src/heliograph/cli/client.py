"""Client commands: they talk HTTP to a server, with HELIOGRAPH_API_KEY and HELIOGRAPH_BASE_URL."""

from pathlib import Path

import typer

from heliograph.cli.output import AsJson, print_json, print_record, print_table

Model = typer.Option("wan-2-5-image", help="The model to ask.")


def generate(
    prompt: str = typer.Argument(help="What to draw, in English or Chinese."),
    image: list[str] = typer.Option([], help="A reference image, file or URL; up to three."),
    count: int = typer.Option(4, "-n", "--count", min=1, max=4, help="How many pictures."),
    ratio: str = typer.Option("1:1", help="Aspect ratio, such as 16:9."),
    negative: str = typer.Option(None, help="What not to draw."),
    out: Path = typer.Option(Path("heliograph-pictures"), help="Where to save them."),
    model: str = Model,
    as_json: AsJson = False,
) -> None:
    """Make pictures and save them."""
    from heliograph.cli.making import make, reference_url
    from heliograph_client import Client

    with Client() as client:
        references = [reference_url(one, len(image)) for one in image]
        task_id = client.submit(
            prompt,
            negative_prompt=negative,
            image_urls=references,
            aspect_ratio=ratio,
            num_images=count,
            model=model,
        )
        made = make(client, task_id, model, out, quiet=as_json)
    if as_json:
        print_json({"task_id": task_id, "files": [str(path) for path in made]})
        return
    for path in made:
        typer.echo(path)


def status(task_id: str, model: str = Model, as_json: AsJson = False) -> None:
    """Show the state of a task."""
    import dataclasses

    from heliograph_client import Client

    with Client() as client:
        print_record(dataclasses.asdict(client.status(task_id, model)), as_json=as_json)


def balance(as_json: AsJson = False) -> None:
    """Show what is left to spend, in dollars."""
    from heliograph_client import Client

    with Client() as client:
        left = client.balance()
    if as_json:
        print_json({"balance": left})
    else:
        typer.echo(f"${left:.4f}")


def models(as_json: AsJson = False) -> None:
    """List the models of the server, with modes and prices."""
    from heliograph_client import Client

    with Client() as client:
        found = client.models()
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "model": one["modelId"],
            "mode": mode["mode"],
            "price per image": f"${mode['price']:g}",
            "ratios": " ".join(mode["aspectRatios"]),
        }
        for one in found
        for mode in one["modes"]
    ]
    print_table(rows, as_json=False, nothing="The server has no models.")
