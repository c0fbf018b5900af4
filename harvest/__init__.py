"""What makes a node a hub: sources, when they are due, whom they may speak for, and each run.

sources, leases     peers to harvest, what was pinned for each; a worker's claim on one
discovery           a peer found by its address, for a person to approve
schedule            when a source is next due (pure)
trust, reasons      authority, loop, proof and version rules (pure); why something was refused, in words
plan                the changes that make held records equal to offered ones (pure)
adapters, visit     how to walk one protocol; what a run may ask its peer
page, description   reading what a peer sent, in a sandboxed child (readers, preload)
  graphs, offers    the statements of a page; one activity with its record, as an offer (pure)
  type_rules        what breaks the rules of a record's type (pure)
quarantine          changes held until a person decides
attention           what an operator should look at: held, flagged, refused
decisions, rollback what a person decides about what is held; going back to an earlier run
run                 one harvest of one source, which holds these together:
  vouching          whom a hub speaks for: heard, asked, written down (members decides: pure)
  bounds            what ends a run before the last page
  ahead, taking     pages read while others are stored; what is taken over and remembered of them
  dump              the first pages of a large peer, from one file
  compare, healing  our copies of the peer's own records beside its list; asking for what differs
  origins           what came through a hub, asked for at its origins
  withheld          what a hub never passed on, found in the lists of its nodes
  equivocation      two texts of one version, settled by what their owner serves
  transactions      what a run writes, under its lease
store, runs         one page in one transaction; the history
overview            sources and runs as operators see them
dispatch            all harvests of this process
hints               a source is said to have news: it is due earlier, within bounds
push                subscriptions at the WebSub hubs of our sources
receipts            what became of each record a peer offered
standing, inquiry   how our own records stand at a hub (pure); asking it
hubs                which hubs are asked, and what each said last
joining             requests to be harvested, new keys, leaving
web, receipt_pages  the network page; the receipts of each peer over HTTP
ping                where hubs and peers say that there is news
standing_pages      how our records stand at each hub, over HTTP
answers             what those pages share
"""
