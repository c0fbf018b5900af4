"""The command line: each command reads its arguments, calls one function and says what happened.

Exit codes: 0 it worked, 1 a problem was reported, 2 the command was not written right. What needs
time to load is imported inside the commands, so that ``chm --help`` answers at once.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from chm_node.cli.care import bench, demo, doctor
from chm_node.cli.checking import check_peer
from chm_node.cli.held import held
from chm_node.cli.importing import import_files
from chm_node.cli.joining import join, key, leave
from chm_node.cli.node import init, serve, worker
from chm_node.cli.receipts import receipts
from chm_node.cli.records import dump, export, withdraw
from chm_node.cli.repair import backup, erase, move, new_epoch, recover, restore
from chm_node.cli.sources import harvest, source
from chm_node.errors import ChmError
from chm_node.lifeline import end_with


class _Main(click.Group):
    """Reports what went wrong in one sentence; anything that is not a ChmError is a bug and keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:  # whatever the command returns
        try:
            with _taken_away_at_the_end():
                return super().invoke(ctx)
        except ChmError as error:
            raise click.ClickException(str(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of a first day, not of the alphabet


@contextmanager
def _taken_away_at_the_end() -> Iterator[None]:
    """A command that is told to end, or whose terminal is closed, takes away what it had begun, as at Ctrl-C."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)  # the exit code that a shell gives to one that was killed

    # One that is ignored, as nohup has it, stays so.
    ends = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    for each in ends:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each in ends:
            signal.signal(each, signal.SIG_DFL)


def _end_with(_context: click.Context, _option: click.Parameter, parent: int | None) -> None:
    if parent is None:
        return
    try:
        end_with(parent)
    except ChmError as error:
        raise click.ClickException(str(error)) from error


@click.group(cls=_Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="chm-node", prog_name="chm")
# Of no use to a person: a process that ``chm_node.serving`` starts is told so by whom.
@click.option("--end-with", type=int, hidden=True, expose_value=False, callback=_end_with)
def main() -> None:
    """Run a node of the clearing-house mechanism: publish records, serve feeds, harvest peers.

    \b
    A first look, without setting anything up:   chm demo
    A node of your own:                          chm init, then chm serve
    """


for _command in (
    init,
    serve,
    worker,
    import_files,
    export,
    dump,
    withdraw,
    erase,
    source,
    harvest,
    held,
    join,
    leave,
    receipts,
    check_peer,
    key,
    doctor,
    backup,
    restore,
    new_epoch,
    recover,
    move,
    demo,
    bench,
):
    main.add_command(_command)
