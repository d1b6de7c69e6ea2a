"""Shared vocabulary of the studio: standard library, pydantic and numpy only."""
