"""Nonces of signed requests that counted: none counts twice."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from chm_node.message_signatures import CLOCK_TOLERANCE, Signature
from chm_node.tables import nonce as nonce_table


def use(connection: Connection, signature: Signature, now: datetime) -> bool:
    """Remember the nonce until its signature expires for every clock; False when it was used before."""
    gone = int((now - CLOCK_TOLERANCE).timestamp())
    connection.execute(delete(nonce_table).where(nonce_table.c.expires < gone))
    same = (nonce_table.c.key_id == signature.key_id) & (nonce_table.c.nonce == signature.nonce)
    if connection.execute(select(nonce_table.c.nonce).where(same)).first():
        return False
    values = {"key_id": signature.key_id, "nonce": signature.nonce, "expires": signature.expires}
    connection.execute(insert(nonce_table).values(values))
    return True
