"""How a program of ours ends when it is told to: by an exception, so that what it made is taken away."""

import signal
import sys


def end_by_exception(first=lambda: None):
    """kill and a closed terminal do what Ctrl-C does: `with` and `finally` have their turn, behind `first`. In the main
    thread."""
    def leave(number, _):
        first()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup: the terminal may go
        signal.signal(signal.SIGHUP, leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with SIGINT ignored
