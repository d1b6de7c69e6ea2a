"""Runs jobs: in a child process for the window, in the same process for the command line."""
