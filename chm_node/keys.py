"""The keys of this node: the one that signs, and those that signed before.

The first key is ``signing-key.pem``, the next ``signing-key-2.pem`` and so on; none is ever overwritten. ``keys.json``
names their public halves in this order, and is there from the first rotation on. Replacing it is what changes the key.
"""

import json
import os
from datetime import datetime
from pathlib import Path

from chm_node.errors import SettingsError
from chm_node.proofs import PublicKey
from chm_node.record import parse_timestamp, timestamp
from chm_node.settings import Settings
from chm_node.signing import Signer, create_key, load_signer


def node_signer(settings: Settings) -> Signer:
    """The key that signs now; raises SettingsError."""
    return _signer(settings, len(_listed(settings)) or 1)


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
    _write(settings, [*listed, (former.multikey, now), (new.multikey, None)])
    return new


def _signer(settings: Settings, number: int) -> Signer:
    return load_signer(_file(settings, number), _name(settings, number))


def _name(settings: Settings, number: int) -> str:
    return f"{settings.node_iri}#key" + (f"-{number}" if number > 1 else "")


def _file(settings: Settings, number: int) -> Path:
    return settings.key_file if number == 1 else settings.data_dir / f"signing-key-{number}.pem"


def _list_file(settings: Settings) -> Path:
    return settings.data_dir / "keys.json"


def _listed(settings: Settings) -> list[tuple[str, datetime | None]]:
    """Multikey and end of each key, the one in use last; empty when none was ever rotated."""
    try:
        entries = json.loads(_list_file(settings).read_bytes())
        return [(each["multikey"], parse_timestamp(each["expires"]) if "expires" in each else None) for each in entries]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingsError(f"data_dir: keys.json cannot be read ({error}); restore it from a backup") from error


def _write(settings: Settings, keys: list[tuple[str, datetime | None]]) -> None:
    entries = [{"multikey": key, **({"expires": timestamp(end)} if end else {})} for key, end in keys]
    unfinished = settings.data_dir / "keys.json.new"
    with unfinished.open("w") as file:
        json.dump(entries, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(_list_file(settings))
