"""Synthetic faces: heads drawn from a seed that stand in for the Radboud Faces Database."""
