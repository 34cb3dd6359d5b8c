"""Fakes of vitrine's parts, for tests of your own: deterministic, in memory, and held to the same contracts as the real ones.

`memory_services` has the API's parts together; each can also be used alone:

| Part | Fake |
|---|---|
| the ledger | `vitrine.testing.memory_ledger.MemoryLedger` |
| the vector store | `vitrine.testing.memory_store.MemoryStore` |
| questions to workers | `vitrine.testing.fake_query_client.FakeQueryClient` |
| RunPod's tickets | `vitrine.testing.memory_tickets.MemoryTicketStore` |
| a model, a source of pictures | `vitrine.testing.worker_fakes` |
| a Qdrant server | `vitrine.testing.qdrant_http.qdrant_http` |

Only tests and benchmarks import this package; `docs/testing.md` has an example.
"""
