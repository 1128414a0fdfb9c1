"""The outside: Telegram, the terminal, the model, the clock, the wiring. All I/O is here.

settings     what a deployment sets
clock        the only place that reads the clock
texts        the catalogues: a text by its key, in the person's language
render       screens of `flows` as messages with entities and buttons
reading      what words mean in a language: numbers, choices, days, places
ages         from which age a person may agree for themselves, by country
phones       telephone numbers, as people write them
holidays     on which days no session is planned, by country
parse        Telegram's updates as events
intake       one update: parsed, in its chat's order, handled by the runner
runner       events in batches through the unit of work; retries; dead letters
perform      the outbox carried out, each chat in order
writer       requests of the outbox: summaries, what the ear hears, voice messages
summarising  a summary by the model: asked for, checked, asked for once more
prompts/     what the models are told, a file a version
lexicon      the words by which a text in a language is judged
pdf          a page as a file
calendars    sessions as a calendar file
feeds        the private address of a person's calendar
google       the shared Google calendar
calendar_sync  sessions brought into it
exporting    a person's copy of what is kept of them, as files
tombstones   who was forgotten, outside the database
replay       what another prompt makes of a session
model        the model at OPENAI_BASE_URL
bill         what a call to it costs
breaker      leaves a model that is down alone
meters       what an operator watches
scheduler    ticks: timers, leftovers, letters, pruning
telegram/    the Bot API: transport, messenger, polling
http         webhook, calendars, health, metrics
terminal     the conversation in a terminal
service      the composition: what runs together
cli          the commands
people_cli   ... about people: invite, people, audit
inviting     a one-time link, made at the command line
importing    a file of people and pairs, read
console      what all commands have
"""
