"""The packaged program's first file."""

from multiprocessing import freeze_support

if __name__ == "__main__":
    freeze_support()  # a worker of `analyze --processes` is this program again
    from faceapp.__main__ import start

    start()
