"""Three lines of Python: what `import faceapp` offers to other programs. Each name is loaded when it is first used."""
