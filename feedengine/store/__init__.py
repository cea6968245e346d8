"""Objects to rows and back: SQL, ledger, history, migrations."""
