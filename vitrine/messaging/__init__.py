"""What goes over Redis beside the ledger: messages, dead letters, who is alive and what each worker is doing."""
