"""The compression wizard: one file per step; `workspace.wizard_flow` knows the rules."""
