"""The checker: whether a node, or a plain feed, can be harvested, and what its web master should mend.

``checks`` names what is looked at, ``sentences`` says each in words, ``asking`` and ``inspection`` fetch, ``reading``
and ``feeds`` run in the sandboxed child, ``judging`` decides and touches nothing, ``results`` keeps the newest result
of each address that was asked about, ``web`` shows it.
"""
