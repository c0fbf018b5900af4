"""Joining a hub: a node asks to be harvested, a person decides, and either side can end it.

notification, refusals     what a notification says (pure); why one is not taken, in words
inbox, nonces              taking a notification: cheap checks first; no request counts twice
requests                   what was asked of this hub, and what became of it
deciding                   a person approves or rejects; a node leaves
work, outbox               what the worker does: verify, check, take over keys; send, with back-off
memberships, asking        the hubs that this node asked; asking, leaving, announcing a new key
told                       what a hub says of our request, read in a sandboxed child
web                        the inbox over HTTP, and the pages about joining
"""
