"""Errors of the runtime engines; every text says what was expected, what was found and what to do."""


class CardError(ValueError):
    """A model card, or the model file it describes, is missing, malformed or does not match."""


class EngineError(RuntimeError):
    """A back end is missing, refused the model, or failed while running it."""


class PrecisionError(EngineError):
    """This machine's processor can't compute in the number format that was asked for."""


class GpuError(EngineError):
    """The GPU was lost, failed or has too little memory; the processor can go on."""
