"""A clearing-house mechanism node: publishes records as RDF and feeds, and harvests its peers.

record, schema, record_types    what a record is and how each type is declared (pure)
vocabulary, text, namespaces    terms, clean text, RDF names (pure)
facets                          by what records are listed: what a value is, which IRI it has (pure)
canonical, proofs, signing      the signed record graph: bytes, hash, proof; the key that signs
keys, message_signatures        the keys of this node, former ones too; signed requests
digests                         what an answer says of its own bytes (pure)
limits                          what no hub takes over of a record, whoever signed it (pure)
addresses                       which addresses a node can answer for a record (pure)
foreign, foreign_json, sandbox  reading what strangers send, in a disposable child process
lifeline                        a process that ends with the one that started it
tables, database                the schema by subject; opened on SQLite or PostgreSQL
catalogue, search               where records and the change log live; the search index
resource_lists                  records and changes as ResourceSync lists them
formats                         one media type each: RDF, feeds, DCAT, the log
statements                      what a node states of each version of a record (pure)
publishing                      publish, revise, withdraw, import, export
dumps                           the log as it stands, in files
watermark                       how far the log was given out, as a file knows it
disk                            how much room is left where the node writes
backup, erasure, moving         restoring a node; erasing a record; changing the public address
transfer                        a SQLite database, brought into PostgreSQL
sparql                          queries, answered in children that hold the records
websub                          who is told when a feed changes, and telling them
backoff, budget                 how long to wait after failures; how much each client may ask (pure)
http_client                     the only way out to the network (http_guard: where to; http_answer: what came)
web                             Flask blueprints, templates, translations
settings, setting_rules         all configuration, one typed value; what each may be
app, cli, worker                composition roots: web, command line, clock
"""
