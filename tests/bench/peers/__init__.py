"""What people would use instead, each in an environment of its own, made when it is first needed.

A peer is a script that takes ``FEED_FOLDER DATABASE XSD`` (feeds) or ``PLAYS CATALOGUE`` (plays),
does as much of the same job as it can, and prints how many items it did. What it does not do stands
in its docstring, from which the page is made.
"""
