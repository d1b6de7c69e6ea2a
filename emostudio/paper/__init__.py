"""The 2017 survey's tables and figures: its own numbers, and plans of jobs that measure ours."""
