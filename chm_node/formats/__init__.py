"""How records, the log and listings are written: one module a family of formats, all deterministic."""
