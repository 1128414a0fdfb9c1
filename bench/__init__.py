"""What the README's figures are measured with: `make bench`, or `python -m bench answers`.

__main__   the command line
answers    answers committed and replied per second, and the reply's latency: one figure, its rounds
systems    what is measured: Waymark on each database, and the peers; a process each
peers/     bots on python-telegram-bot as most are written
load       the Bot API server and the coachees who answer as soon as they are asked
front      a lean HTTP front for that server
coachees   what a coachee does with a message: press, write, begin again
process    a bot's process: started on its core, watched, ended with all its children
kept       what a database holds after a run
machine    cores, pinning, CPU time, versions
report     tables and ratios, for the terminal and for results/

Everything is on the loopback and in a temporary directory; only results/ is written to.
"""
