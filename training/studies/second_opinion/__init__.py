"""Movements of the face: support vector machines on action units as a second opinion."""
