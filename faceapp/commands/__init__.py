"""The subcommands of `faceapp`, a file each: `add_arguments(parser)` and `run(arguments) -> exit code`."""
