"""From shops and files to rows: connecting, reading all or what changed, webhooks, imports, the nightly reconcile."""
