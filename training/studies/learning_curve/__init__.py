"""What limits a training: its error over the number of faces, the number of steps and the size of the network.

Each training is kept on disk, so that a study goes on where it was stopped; differences are taken on the same held-out faces.
"""
