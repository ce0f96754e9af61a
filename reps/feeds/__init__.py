"""
Calendar feeds: each rep's own calendar at an ICS address, read again every ten minutes.

`addresses` says how their places are written, `fetch` reads them within limits, `busy` turns a
calendar into spans of time (pure, run in a process of its own by `reader`), and `drain` is
the due work that ties them together. Nothing here imports Django before it is asked to.
"""
