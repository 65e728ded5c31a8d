"""Frames through capture, tracking and reading on three threads: start, pause, seek, stop, error.

    capture --Slot--> tracking --Slot--> reading --Slot--> window or command line
                                            '------------> recorder

Frame k + 1 is tracked while frame k is read and frame k + 2 is captured. Live, the newest frame wins in every
slot and the others are counted as dropped; from a file nothing is dropped and the giver waits.
"""

from faceapp.pipeline.controls import Recorder
from faceapp.pipeline.pipeline import Pipeline, PipelineState
from faceapp.pipeline.statistics import PipelineStatistics

__all__ = ["Pipeline", "PipelineState", "PipelineStatistics", "Recorder"]
