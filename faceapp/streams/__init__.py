"""Values and marks to other programs while they arise, and marks from them; all off unless a person turns it on.

    reading thread --put--> Feed (bounded queue, thread) --> LSL outlets
                       '--> Feed (bounded queue, thread) --> OSC messages
    other programs --> marker inlet (thread) --take_markers--> window --> timeline and session

Nobody here makes the reading thread wait: what a feed has no room for is dropped and counted.
"""
