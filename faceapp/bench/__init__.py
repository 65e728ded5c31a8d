"""`faceapp bench`: speed, latency and memory of the pipeline, against a plain loop in the same run."""

from faceapp.bench.report import format_bench
from faceapp.bench.run import run_bench

__all__ = ["format_bench", "run_bench"]
