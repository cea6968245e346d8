"""What exists: scalars, tables, codes, and what follows from them."""
