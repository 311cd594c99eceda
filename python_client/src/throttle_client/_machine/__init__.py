"""The protocol, as a machine: time and messages go in, frames and news come out.

Nothing in here may touch a socket, a thread, asyncio, a clock or a log; `tests/test_purity.py` sees to that. The
blocking and the asyncio interface both drive this one machine: every rule is written and tested once.
"""
