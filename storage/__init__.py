"""What is kept: tables, queries, migrations, the unit of work, the outbox. All SQL is here, and only here.

Plain synchronous SQLAlchemy Core: one code path for SQLite and PostgreSQL, called on writer threads.

Reading order:

    engine        connecting, and what each database is told
    columns       columns as several tables have them
    tables        the tables, with what the database itself refuses
    unit_of_work  a batch of events: claim, lock, load, decide, save, in ONE commit
    loading       the chats of a batch, in a fixed number of queries
    statements    what is written the same for both databases
    circles       the people around the people of a batch
    kept          what is kept of people and their sessions, as records
    saving        changes and effects as set-based statements
    relations     ... about who people are to each other; the audit log
    outbox        messages that wait to be performed: taking, marking, taking up after a crash
    timers        timers that are due
    personal      what is kept of a person, table by table: a copy of it, and forgetting it
    retention     for how long things are kept
    letters       what was set aside, with its reason, and trying it again
    sessions      a session's material, for its summary
    diaries       booked sessions, as decisions about them need them
    bookings      ... as rows: what decisions made of them
    session_tables their tables
    calendars     what calendars show
    usage         what the model cost
    people        who there is, for the operator; a link that is handed out by the command line
    importing     people and pairs that come by a file
    audit         who did, or tried to do, what to whom
    instance      which of the processes this one is
    migrations    the way here and back
"""
