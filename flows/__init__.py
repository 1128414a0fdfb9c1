"""What happens: pure decisions. No I/O, no clock, no async, and nothing of `bot` or `storage`.

An **event** is a fact that has come to pass (`TextSent`, `ButtonPressed`, `TimerFired`, `SummaryReady`).
A **decision** is what follows from it for one chat: the chat as it is now, the **changes** to keep
(`NewSession`, `StageKept`, `ActionsAdded`) and the **effects** to carry out once they are kept (`Say`, `Edit`,
`SetTimer`, `RequestSummary`). Slow work is an effect and, later, a completion event.

Reading order:

    records      frozen, keyword-only records; naive datetimes are refused
    events       the facts
    effects      the orders, and the screens they put up
    changes      what is to be kept
    state        one chat as it is loaded: the person, the conversation, the session, what was answered
    stages       THE table: steps, transitions and exits of the five stages, with their rules
    walk         one answer takes a session from a step to the next; going back and correcting are replays
    asking       what the coach says at a step
    conversation the coachee's session: begin, answer, back, pause, resume, stop
    corrections  an answer corrected by editing its message
    plans        action items and their reminders
    documents    the summary: its shape, the prompt, what code checks, the plain writer's outline
    summaries    asking for the summary, waiting for it, what follows when it comes or fails
    menu         the card from which everything is reached, the time zone, help
    times        wall-clock rules
    decide       the one door: which of the above an event belongs to
"""
