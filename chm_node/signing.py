"""The node's key: made, kept and used; ``cryptography`` knows PEM and PKCS 8."""

import os
import stat
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chm_node.errors import SettingsError
from chm_node.proofs import Proof, as_multikey, hash_data, multibase, raw_key


@dataclass(frozen=True)
class Signer:
    """The node's key and the name peers find it by."""

    verification_method: str  #: IRI of the key in the node description
    key: Ed25519PrivateKey

    @property
    def multikey(self) -> str:
        """The public key as peers pin it."""
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return as_multikey(raw)

    def at(self, node: str) -> "Signer":
        """The same key under the name it has at another address of its node."""
        return replace(self, verification_method=f"{node}#{self.verification_method.partition('#')[2]}")

    def sign(self, nquads: bytes, created: datetime) -> Proof:
        """A proof over a record graph in canonical form; ``created`` is cut to seconds, UTC."""
        proof = {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "verificationMethod": self.verification_method,
        }
        signature = self.key.sign(hash_data(nquads, proof))
        return {**proof, "proofValue": multibase(signature)}


def public_key(multikey: str) -> Ed25519PublicKey:
    """The key of a Multikey; raises ValueError when it is no Ed25519 one."""
    return Ed25519PublicKey.from_public_bytes(raw_key(multikey))


def create_key(path: Path) -> None:
    """Write a new private key, readable by its owner alone, or none at all; never overwrites one."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def load_signer(path: Path, verification_method: str) -> Signer:
    """The node's key; raises SettingsError when it is missing, unreadable or open to others."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        pem = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"data_dir: the signing key {path.name} cannot be read; put it back, or run `chm init` for a new node"
        ) from error
    if mode & 0o077:
        raise SettingsError(f"data_dir: the signing key {path.name} can be read by others; run `chmod 600` on it")
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except ValueError as error:
        raise SettingsError(f"data_dir: {path.name} is not a private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"data_dir: {path.name} is not an Ed25519 key")
    return Signer(verification_method, key)
