"""What people are told before they are recorded."""

NOTICE = (
    "This recording analyses your face with a computer program: it estimates the emotion your face seems to show, "
    "your apparent age and gender, and whether you smile. The estimates can be wrong and say nothing about what you "
    "feel or who you are. Video and estimates are stored on this computer only and are sent nowhere by the program. "
    "You may stop at any time and have the recording deleted. Do you agree to be recorded and analysed?"
)
"""Text of the notice people are shown where a study brings none of its own."""
