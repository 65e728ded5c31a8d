"""What comes with the program: models, icons, the demo. An installed program has it as the package `faceapp_assets`."""
