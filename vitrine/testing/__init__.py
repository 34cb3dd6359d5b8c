"""Fakes of vitrine's parts for your own tests: deterministic, in memory, and tested against the same contracts.

`memory_services` combines the parts of the API; each can also be used alone:

| Part | Fake |
|---|---|
| the ledger | `vitrine.testing.memory_ledger.MemoryLedger` |
| the vector store | `vitrine.testing.memory_store.MemoryStore` |
| queries to workers | `vitrine.testing.fake_query_client.FakeQueryClient` |
| RunPod's tickets | `vitrine.testing.memory_tickets.MemoryTicketStore` |
| a model, a source of pictures | `vitrine.testing.worker_fakes` |
| a Qdrant server | `vitrine.testing.qdrant_http.qdrant_http` |

Only tests and benchmarks import this package; `docs/testing.md` has an example.
"""
