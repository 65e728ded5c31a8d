"""By which endings videos and pictures are recognised in a folder."""

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

FOREIGN_PICTURE_SUFFIXES = frozenset({".avif", ".heic", ".heif", ".jp2", ".jxl", ".psd"})
"""Pictures by name that are not read, or only with a package that not everybody has."""

VIDEO_SUFFIXES = frozenset(
    {
        ".3gp",
        ".asf",
        ".avi",
        ".flv",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ts",
        ".webm",
        ".wmv",
    }
)
