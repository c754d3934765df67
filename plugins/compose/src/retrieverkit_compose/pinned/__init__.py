"""What always comes first."""
