"""The modes that are made of others."""
