"""The service: watches the Stack for ever, and says how it is doing.

`watching` is the loop; all others serve it. What the loop does it tells to listeners (`hearing`):
logs, metrics and systemd are three of them, and the loop knows none.
"""
