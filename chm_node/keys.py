"""The keys of this node: the one that signs, and those that signed before; their files, and how these are put back.

The first key is ``signing-key.pem``, the next ``signing-key-2.pem`` and so on; none is ever overwritten. ``keys.json``
names their public halves in this order, and is there from the first rotation on. Replacing it is what changes the key.
"""

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from chm_node.errors import SettingsError
from chm_node.proofs import PublicKey
from chm_node.record import parse_timestamp, timestamp
from chm_node.settings import Settings
from chm_node.signing import Signer, create_key, load_signer

_LIST = "keys.json"
_KEY_FILE = re.compile(r"signing-key(-[1-9][0-9]{0,5})?\.pem")


def node_signer(settings: Settings) -> Signer:
    """The key that signs now; raises SettingsError."""
    listed = _listed(settings)
    number = len(listed) or 1
    signer = _signer(settings, number)
    if listed and signer.multikey != listed[-1][0]:
        name = _file(settings, number).name
        raise SettingsError(f"data_dir: {name} is not the key that {_LIST} names; restore both from one backup")
    return signer


def signer_of(settings: Settings, key_id: str) -> Signer:
    """The key of this name, former ones included; raises SettingsError."""
    for number in range(1, (len(_listed(settings)) or 1) + 1):
        if key_id == _name(settings, number):
            return _signer(settings, number)
    raise SettingsError(f"data_dir: this node has no key {key_id}")


def current_name(settings: Settings) -> str:
    """The IRI of the key that signs now."""
    return _name(settings, len(_listed(settings)) or 1)


def public_keys(settings: Settings, only: str) -> tuple[PublicKey, ...]:
    """What the node states of its keys, the one in use first; ``only`` is the one key of a node that rotated none."""
    listed = _listed(settings) or [(only, None)]
    found = [PublicKey(_name(settings, number), *facts) for number, facts in enumerate(listed, start=1)]
    return tuple(reversed(found))


def rotate(settings: Settings, now: datetime) -> Signer:
    """Make a new key; from now on it signs, and nothing the former one signs later counts. Gives the new key."""
    former = node_signer(settings)
    listed = _listed(settings)[:-1]
    number = len(listed) + 2
    file = _file(settings, number)
    file.unlink(missing_ok=True)  # of a rotation that was interrupted before it counted
    create_key(file)
    new = _signer(settings, number)
    _write(_list_file(settings), _as_json([*listed, (former.multikey, now), (new.multikey, None)]))
    return new


def files(settings: Settings) -> dict[str, bytes]:
    """All files of the keys by name, of one moment; those of former keys only if they are still there."""
    listed = _listed(settings)
    numbers = range(1, (len(listed) or 1) + 1)
    found = {each.name: each.read_bytes() for each in (_file(settings, number) for number in numbers) if each.exists()}
    return found | ({_LIST: _as_json(listed)} if listed else {})


def is_file(name: str) -> bool:
    """Whether this is the name of a file of the keys."""
    return name == _LIST or bool(_KEY_FILE.fullmatch(name))


def put_back(settings: Settings, backed_up: Mapping[str, bytes], in_use: str, now: datetime) -> None:
    """Put the files of a backup, whose key in use had the Multikey ``in_use``, in the place of those that are here.

    What differs here is kept beside. Nothing is done when the keys here followed those of the backup, for hubs regard
    those as ended.
    """
    stated = _read(backed_up[_LIST]) if _LIST in backed_up else [(in_use, None)]
    if _followed(settings, [multikey for multikey, _ in stated]):
        return
    for name in backed_up.keys() - {_LIST}:
        _put(settings.data_dir / name, backed_up[name], now)
    # Last, for it says which key is in use.
    if _LIST in backed_up:
        _put(_list_file(settings), backed_up[_LIST], now)
    elif _list_file(settings).exists():
        _list_file(settings).replace(_beside(_list_file(settings), now))
    # The names that the next keys will have.
    number = len(stated) + 1
    while _file(settings, number).exists():
        _file(settings, number).replace(_beside(_file(settings, number), now))
        number += 1


def _signer(settings: Settings, number: int) -> Signer:
    return load_signer(_file(settings, number), _name(settings, number))


def _name(settings: Settings, number: int) -> str:
    return f"{settings.node_iri}#key" + (f"-{number}" if number > 1 else "")


def _file(settings: Settings, number: int) -> Path:
    return settings.key_file if number == 1 else settings.data_dir / f"signing-key-{number}.pem"


def _list_file(settings: Settings) -> Path:
    return settings.data_dir / _LIST


def _listed(settings: Settings) -> list[tuple[str, datetime | None]]:
    """Multikey and end of each key, the one in use last; empty when none was ever rotated."""
    try:
        return _read(_list_file(settings).read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsError(f"data_dir: {_LIST} cannot be read ({error}); restore it from a backup") from error


def _read(data: bytes) -> list[tuple[str, datetime | None]]:
    try:
        entries = json.loads(data)
        return [(each["multikey"], parse_timestamp(each["expires"]) if "expires" in each else None) for each in entries]
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsError(f"data_dir: {_LIST} cannot be read ({error}); restore it from a backup") from error


def _as_json(keys: list[tuple[str, datetime | None]]) -> bytes:
    entries = [{"multikey": key, **({"expires": timestamp(end)} if end else {})} for key, end in keys]
    return json.dumps(entries, indent=1).encode()


def _followed(settings: Settings, multikeys: list[str]) -> bool:
    """Whether the keys here are these and later ones."""
    try:
        here = [multikey for multikey, _ in _listed(settings)]
    except SettingsError:
        return False  # damaged, which is why somebody restores
    return len(here) > len(multikeys) and here[: len(multikeys)] == multikeys


def _put(file: Path, data: bytes, now: datetime) -> None:
    if file.exists() and (present := file.read_bytes()) != data:
        # A copy, for without ``keys.json`` the first key would sign again, if only until the next line.
        _write(_beside(file, now), present)
    _write(file, data)


def _beside(file: Path, now: datetime) -> Path:
    return file.with_name(f"{file.name}.replaced-{now:%Y%m%dT%H%M%S}")


def _write(file: Path, data: bytes) -> None:
    unfinished = file.with_name(f"{file.name}.new")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    unfinished.replace(file)
