"""The system libraries that no wheel brings: OpenCV and Qt draw with them."""

_PACKAGES = "libgl1 libegl1 libglib2.0-0 libxkbcommon-x11-0 libxcb-cursor0 libdbus-1-3 libfontconfig1"
INSTALL_SYSTEM_LIBRARIES = f"sudo apt install {_PACKAGES}"
