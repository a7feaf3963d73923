"""``graphlabel doctor``."""

from __future__ import annotations

import typer

from graphlabel.cli.options import JsonFlag


def doctor(json: JsonFlag = False) -> None:
    """Check the installation: versions, device, encoder, embedded model, store."""
    from graphlabel.cli.console import print_json

    checks = _checks()
    if json:
        print_json([{"check": name, "ok": ok, "detail": detail} for name, ok, detail in checks])
    else:
        for name, ok, detail in checks:
            typer.echo(f"{'✓' if ok else '✗'} {name:<22} {detail}")
    if not all(ok for _, ok, _ in checks):
        raise typer.Exit(1)


def _checks() -> list[tuple[str, bool, str]]:
    import platform
    from importlib import metadata

    from graphlabel import atlas
    from graphlabel._version import __version__
    from graphlabel.cli.config import default_path
    from graphlabel.errors import GraphLabelError
    from graphlabel.store import Store, store_place

    checks = [("graphlabel", True, f"{__version__}, Python {platform.python_version()}")]
    for package in ("torch", "transformers", "sae-lens", "sentence-transformers", "textual"):
        try:
            checks.append((package, True, metadata.version(package)))
        except metadata.PackageNotFoundError:
            checks.append((package, False, "not installed; pip install graphlabel again"))
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU; CPU is used"
    checks.append(("device", True, gpu))
    try:
        from graphlabel.embedding import load_encoder

        encoder = load_encoder()
        checks.append(("default encoder", True, f"{encoder.name} {encoder.revision}"))
    except GraphLabelError as error:
        checks.append(("default encoder", False, str(error)))
    complete = all(
        folder.is_dir()
        for folder in (
            atlas.MODEL_FOLDER,
            atlas.TRANSCODERS_FOLDER,
            atlas.CROSS_LAYER_FOLDER,
            atlas.INDEX_FOLDER,
        )
    )
    checks.append(("embedded model atlas", complete, "complete" if complete else "files missing"))
    try:
        store = Store(store_place())
        store.close()
        checks.append(("annotation store", True, store.name))
    except GraphLabelError as error:
        checks.append(("annotation store", False, str(error)))
    config = default_path()
    checks.append(("configuration", True, str(config) if config.exists() else f"none ({config})"))
    return checks
