"""What makes a node a hub: sources, when they are due, whom they may speak for, and each run.

sources     peers to harvest, what each may say, when it is due
schedule    when a source is next due (pure)
trust       authority, loop, proof and version rules (pure)
plan        the changes that make held records equal to offered ones (pure)
adapters    walk one protocol each; yield pages, decide nothing
run         one harvest of one source, one transaction a page
"""
