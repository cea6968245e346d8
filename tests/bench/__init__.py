"""How fast, how far from the floor, how far ahead of others: what ``make bench`` runs."""
