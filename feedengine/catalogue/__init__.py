"""What a change does to objects; pure."""
