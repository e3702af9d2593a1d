"""Mutated inputs for every command, see fuzz.py beside this folder."""
