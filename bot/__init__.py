"""The outside: Telegram, the terminal, the model, the clock, the wiring. All I/O is here.

settings     what a deployment sets
clock        the only place that reads the clock
texts        the catalogues: a text by its key, in the person's language
render       screens of `flows` as messages with entities and buttons
reading      what words mean in a language: numbers, choices, days, places
parse        Telegram's updates as events
intake       one update: parsed, in its chat's order, handled by the runner
runner       events in batches through the unit of work; retries; dead letters
perform      the outbox carried out, each chat in order
writer       the summary: by the model, or plainly
model        the model at OPENAI_BASE_URL
bill         what a call to it costs
breaker      leaves a model that is down alone
meters       what an operator watches
scheduler    ticks: timers, leftovers, letters, pruning
telegram/    the Bot API: transport, messenger, polling
http         webhook, health, metrics
terminal     the conversation in a terminal
service      the composition: what runs together
cli          the commands
"""
