"""The ``graphlabel`` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from graphlabel._version import __version__
from graphlabel.cli import config
from graphlabel.cli.commands import (
    cache,
    calibrate,
    compare,
    demo,
    diff,
    doctor,
    export,
    features,
    features_build,
    fetch,
    info,
    intervene,
    keys,
    label,
    labels,
    labels_agreement,
    labels_carry,
    labels_export,
    labels_import,
    ledger,
    lint,
    open_,
    profile,
    push,
    queue,
    route,
    score,
    serve,
    store,
    suggest,
    trace,
    trace_many,
    transcoders,
    transcoders_train,
    verbalize,
)
from graphlabel.errors import GraphLabelError
from graphlabel.inert import inert

_INTERRUPTED = 130

app = typer.Typer(
    name="graphlabel",
    help="Annotate attribution graphs: trace a prompt, route its features through a tiered "
    "protocol, label them, review them in the terminal, export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(short_help="The whole job on the embedded model.")(demo.demo)
app.command(short_help="Build a prompt's attribution graph.")(trace.trace)
app.command("trace-many", short_help="Trace, route and label a set of prompts.")(
    trace_many.trace_many
)
app.command(short_help="Sort features into the four classes.")(route.route)
app.command(short_help="Learn what chance looks like.")(calibrate.calibrate)
app.command(short_help="Say which layers hold which classes.")(profile.profile)
app.command(short_help="Label by tier; list what still waits.")(label.label)
app.command(short_help="List what waits, for whom, at what price.")(queue.queue)
app.command(short_help="Put obscure features into words.")(verbalize.verbalize)
app.command(short_help="Measure what labels are worth.")(score.score)
app.command(short_help="Compare methods of labelling.")(compare.compare)
app.command(short_help="Suggest supernodes.")(suggest.suggest)
app.command(name="open", short_help="Open a graph in the terminal.")(open_.open_)
app.command(short_help="List the workbench's commands and keys.")(keys.keys)
app.command(short_help="Open a graph in a browser.")(serve.serve)
app.command(short_help="Write a form that other tools open.")(export.export)
app.command(short_help="Say what a graph file holds.")(info.info)
features.app.command(short_help="Index what makes features fire.")(features_build.build)
features.app.command(short_help="Join the parts that shards made.")(features_build.merge)
app.command(short_help="Change features and see what the model says.")(intervene.intervene)
app.command(short_help="Compare two graphs' features.")(diff.diff)
app.command(short_help="Look for what is wrong with a graph.")(lint.lint)
app.command(short_help="Fetch a graph from Neuronpedia.")(fetch.fetch)
app.command(short_help="Upload a graph to Neuronpedia.")(push.push)
app.command(short_help="Say what language models cost.")(ledger.ledger)
labels.app.command(name="import", short_help="Add the labels of files.")(labels_import.import_)
labels.app.command(short_help="Write labels for others.")(labels_export.export)
labels.app.command(short_help="Compare annotators.")(labels_agreement.agreement)
app.add_typer(features.app, name="features")
transcoders.app.command(short_help="Train transcoders for a model.")(transcoders_train.train)
app.add_typer(transcoders.app, name="transcoders")
app.add_typer(cache.app, name="cache")
labels.app.command(short_help="Take over another pruning's annotations.")(labels_carry.carry)
app.add_typer(labels.app, name="labels")
app.add_typer(store.app, name="store")
app.command(short_help="Check the installation.")(doctor.doctor)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"graphlabel {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    config_file: Annotated[
        str | None,
        typer.Option("--config", help="TOML file with default options.", metavar="FILE"),
    ] = None,
) -> None:
    defaults = config.load(config_file)
    config.check(defaults, context.command, "")
    context.default_map = defaults


def main() -> None:
    """Run the command; errors are one line on standard error and exit status 2."""
    debug = "--debug" in sys.argv
    # cannot reach a model it was not asked for: no hub telemetry, no advice from tokenizers
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        status = app(standalone_mode=False)
    except GraphLabelError as error:
        if debug:
            raise
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("stopped; nothing was left half-written", err=True)
        raise SystemExit(_INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except MemoryError as error:
        if debug:
            raise
        _fail(f"not enough memory ({error}); choose smaller settings, or a larger machine")
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(str(error))
            raise SystemExit(0) from None
        if hasattr(error, "format_message"):  # a usage error of click, or of typer's copy of it
            given = getattr(getattr(error, "ctx", None), "params", {})
            _fail(_usage(str(error.format_message()), given.get("graph")))
        if debug:
            raise
        first = (str(error).strip().splitlines() or [""])[0]
        _fail(f"unexpected {type(error).__name__}: {first}; run again with --debug and report it")
    if status == _INTERRUPTED:  # what typer makes of Ctrl-C
        typer.echo("stopped; nothing was left half-written", err=True)
    raise SystemExit(status if isinstance(status, int) else 0)


def _usage(message: str, graph: object) -> str:
    if message == "Missing option '--features'.":
        from graphlabel.cli.evidence_place import missing_features

        return missing_features(graph)
    return message


def _fail(message: str) -> None:
    line = inert(" ".join(message.split()), most=2000)
    typer.echo(f"graphlabel: {line}", err=True)
    raise SystemExit(2)
