"""What may be written after a command."""

import click


def sentence(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """What other people will read, cleaned; raises click.BadParameter when nothing of it can be read."""
    from chm_node.text import clean_text

    cleaned = clean_text(text)
    if not cleaned:
        raise click.BadParameter("write one sentence, for the people who will read it")
    return cleaned
