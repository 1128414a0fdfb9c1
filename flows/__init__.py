"""What happens: pure decisions. No I/O, no clock, no async, and nothing of `bot` or `storage`.

An **event** is a fact that has come to pass (`TextSent`, `ButtonPressed`, `TimerFired`, `SummaryReady`).
A **decision** is what follows from it for one chat: the chat as it is now, the **changes** to keep
(`SessionBegun`, `StageKept`, `ActionAdded`) and the **effects** to carry out once they are kept (`Say`, `Edit`,
`SetTimer`, `RequestSummary`). Slow work is an effect and, later, a completion event.

Reading order:

    records      frozen, keyword-only records; naive datetimes are refused
    events       the facts
    effects      the orders, and the screens they put up
    changes      what is to be kept
    state        one chat as it is loaded: the person, the conversation, the session, what was answered
    steps        the questions by their names: what answers each takes, which field it fills
    stages       THE table: transitions and exits of the five stages, with their rules
    walk         one answer takes a session from a step to the next; going back and correcting are replays
    comparing    words as they are compared
    questions    the question bank: the wordings of each question, and which one is next
    answers      what words or a button mean as an answer to a step
    asking       what the coach says at a step
    progress     how far a stage is
    putting      the open question is put, and closed
    completing   the next question, or the end
    moments      "I don't know", "why do you ask?", "just tell me"
    settling     three guided breaths
    listening    the coach's ear: what a model hears in an answer, as far as code lets it
    conversation the coachee's session: begin, answer, back, skip, pause, resume, stop
    corrections  an answer takes the place of an earlier one
    edits        ... by editing its message
    lookback     ... or from the list of answers so far
    voice        a voice message, written down and confirmed
    documents    the summary: what it is made of, and what a writer may use
    plainly      ... put together from the coachee's answers
    writing      ... by a model: what it is told, the shape in which it answers
    grounding    whether a line rests on the coachee's own words
    checking     what code makes of a model's answer
    summaries    asking for the summary, waiting for it, what follows when it comes or fails, writing it anew
    opening      its lines, each with the words that it rests on; the file
    drafts       the plan: keep, change, drop, and one confirmation
    plan_card    ... how its card looks
    plans        action items and their reminders
    spending     what the model costs, and the budget
    menu         the card from which everything is reached, settings, language, time zone, help
    homes        ... for coaches, parents and operators
    joining      the way in of somebody new; a parent for the young
    joining_cards ... how its cards look
    people       people around a person: coaches, coachees, parents, links
    rights       who may do what: the matrix
    needs        what deciding an event takes besides its chat, and what is decided one after the other
    invites      one-time links: handed out, opened, confirmed
    acts         what is done about people: its rows, and who is told
    cards        the door to it: buttons about people, /coachees, /family, /people
    people_cards ... how its cards look
    looks        what is kept of a coachee, as somebody reads it who may
    sharing      what a coachee lets others see
    privacy      what is kept and why, a copy of it, being forgotten
    importing    people and pairs that come by a file: what becomes of each row
    diary        booked sessions as they stand
    life         THE table of a session's life: its legal moves, and the one function that makes them
    life_page    ... as a page
    consent      THE table of a consent: who decides whether a session is cancelled, and until when
    consent_ends ... how one ends, whatever ends it
    bookings     what is done about sessions: rows, history, timers, calendars
    session_news ... whom a session concerns, and what each is told
    slots        when a session can be
    session_acts what buttons about sessions are called, and what deciding them takes
    session_press a press about sessions that may be done
    agenda       the door to them: buttons, /agenda, /book
    calendars    sessions in people's own calendars, and in the shared one
    session_list ... which sessions concern a person, and as what
    session_cards ... how lists and cards look
    led          a conversation that a coach leads: how it begins
    led_live     ... the coach's side: joining it, how far it is, questions of their own
    led_questions ... how a coach's question comes to the coachee, and what they say to it
    led_news     ... what the coach is told
    session_life what becomes of a session: complete, missed, take back, cancel, coach it
    consents     what is done about consents: asked for, given, refused, taken back; a call; no answer
    consent_news ... what each reads of it: one message that changes
    consent_acts ... deciding on a card, a word to it, a call, taking it back, what was decided before
    consent_times ... its deadline and reminders
    family       a parent's page of their children
    session_record ... its record: a draft, then read-only
    session_history ... what happened to it
    session_brief ... what a coach reads before it
    session_people ... when a coach coaches somebody no more, or somebody is forgotten
    hours        a coach's hours on a card
    picking      choosing a time: the calendar, the time that is held, what becomes of it
    pick_screens ... how that looks
    series       the days of a series on the wall clock
    planned      what a plan of several sessions comes to
    planning     ... its card: choices, a look at all, one save, undo
    planning_cards ... how it looks
    stock        an operator's machines and rooms
    stock_cards  ... how they look
    places       ... where sessions can be when one goes out of service
    stock_news   ... who is told of that
    session_times reminders of sessions, and their time
    on_card      a screen on the card that a press came from
    ids          ids in the 64 bytes of a button
    times        wall-clock rules
    quiet        quiet hours
    notices      what comes unasked: when, how often, what of it; telling other people
    decide       the one door: which of the above an event belongs to
"""
