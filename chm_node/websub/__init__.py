"""The node's own WebSub hub (W3C Recommendation of 23 January 2018), for its own feeds alone.

wishes        a request to the hub, read and bounded (pure)
intents       requests that wait for the word of their callback
subscribers   who is told of changes, and what each got last
distribution  asking callbacks and telling subscribers, in the worker

A subscriber has a cursor into the change log, so nothing is queued: who is behind is told of the feed as it stands.
"""
