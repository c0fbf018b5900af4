"""Commands that set a node up and run it."""

import sys

import click

from chm_node.cli.opening import load_settings


def _title(text: str) -> tuple[str, str]:
    language, separator, title = text.partition("=")
    if not separator or not title.strip():
        raise click.BadParameter(f"{text!r}: write the language and the name, such as fr=Centre d'échange")
    return language.strip(), title.strip()


@click.command()
@click.option("--country", help="Two letters of ISO 3166, such as DZ; empty for a regional or global node.")
@click.option("--base-url", help="Public address, such as https://chm.example.org/; record addresses begin with it.")
@click.option("--title", "titles", multiple=True, help="Name of the node in one language: fr=… (may be repeated).")
@click.option("--languages", help="Interface languages, the default first, such as fr,ar,en.")
@click.option("--publisher", default="", help="Institution that runs the node.")
@click.option("--contact", default="", help="E-mail address of the focal point.")
@click.option("--yes", is_flag=True, help="Ask nothing; take the defaults for what is not given.")
def init(
    country: str | None,
    base_url: str | None,
    titles: tuple[str, ...],
    languages: str | None,
    publisher: str,
    contact: str,
    yes: bool,
) -> None:
    """Set up a new node: settings file, data folder, signing key, database.

    Asks for the country, the public address and the name of the node. Nothing that exists is ever overwritten.

    \b
    chm init
    chm init --yes --country DZ --base-url https://chm.example.org/ --title "fr=Centre d'échange"
    """
    from chm_node.cli.setting_up import DEFAULT_LANGUAGES, set_up

    named = dict(map(_title, titles))
    wanted = [part.strip() for part in (languages or ",".join(DEFAULT_LANGUAGES)).split(",") if part.strip()]
    if not yes and sys.stdin is None:
        raise click.UsageError("nobody can answer, for stdin is closed: say --yes, and give what is not the default")
    if not yes:
        country = country if country is not None else click.prompt("Country (two letters)", default="")
        base_url = base_url or click.prompt("Public address", default="http://127.0.0.1:8100/")
        for language in wanted if not named else ():
            if title := click.prompt(f"Name of the node ({language}, empty for none)", default="", show_default=False):
                named[language] = title
    answers = {
        "country": country,
        "base_url": base_url,
        "titles": named,
        "languages": tuple(wanted) if languages else (),
        "publisher": publisher,
        "contact": contact,
    }
    click.echo(set_up({name: value for name, value in answers.items() if value}))


@click.command()
@click.option("--no-worker", is_flag=True, help="Do not harvest from here; `chm worker` runs somewhere else.")
def serve(no_worker: bool) -> None:
    """Answer requests, and harvest the approved sources.

    Stops on Ctrl-C or SIGTERM or with its terminal, after the requests at work are answered. Put a web server with
    HTTPS in front of it.

    \b
    chm serve
    """
    from chm_node.serving import serve as run

    run(load_settings(), with_worker=not no_worker, say=lambda text: click.echo(text, err=True))


@click.command()
def worker() -> None:
    """Harvest the sources that are due, until stopped.

    `chm serve` starts one by itself; this is for a node whose worker runs apart. Two workers do no harm.

    \b
    chm worker
    """
    from chm_node.worker import run_worker

    run_worker(load_settings())
