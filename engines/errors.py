"""Errors of the runtime engines; every text says what was expected, what was found and what to do."""


class CardError(ValueError):
    """A model card, or the model file it describes, is missing, malformed or does not match."""


class EngineError(RuntimeError):
    """A back end is missing, refused the model, or failed while running it."""


class GpuError(EngineError):
    """The GPU was lost, failed or has too little memory; the processor can go on."""
