"""What the command returns to the shell."""

DONE, FAILED, USAGE, PARTIAL, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141
