"""``cognitude simulate``: a model with the OpenAI API that answers from nothing."""

from __future__ import annotations

import click


@click.command("simulate")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=9100, show_default=True, help="Port to listen on; 0 for any that is free.")
@click.option("--latency-ms", default=0.0, show_default=True, help="Before the head of an answer.")
@click.option("--chunk-ms", default=0.0, show_default=True, help="Between the chunks of a stream.")
@click.option("--tokens-per-chunk", default=1, show_default=True, help="Tokens in one chunk of a stream.")
@click.option("--faults", default="", help="Faults, comma-separated: 503:0.1, reset@3, 429x5, stall@2, …")
def command(host: str, port: int, latency_ms: float, chunk_ms: float, tokens_per_chunk: int, faults: str) -> None:
    """Run a simulated model with the OpenAI API; GET /stats counts calls begun, open and cancelled."""
    from cognitude_plugins.gateway.providers.simulated.serve import run_simulated
    from cognitude_plugins.gateway.providers.simulated.settings import Settings

    try:
        settings = Settings.of(
            {
                "latency_ms": latency_ms,
                "chunk_ms": chunk_ms,
                "tokens_per_chunk": tokens_per_chunk,
                "faults": [fault.strip() for fault in faults.split(",") if fault.strip()],
            }
        )
        run_simulated(host, port, settings, lambda bound: click.echo(f"simulated model on http://{host}:{bound}/v1"))
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
