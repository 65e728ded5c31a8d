"""One explanation a file, found by name: `explain(net, images, task, classes)` returns a map of every picture.

net: in evaluation mode. images: float32 (N, C, size, size), normalised by `engines.preprocess`. task: a branch of the
network. classes: (N,), what to explain; None takes the class that the network says; not used for age, whose score is the
expected age. Returns float32 (N, size, size), 0 to 1, the most telling place of each face at 1, all 0 where nothing
tells. Raises RecipeError for a task that the network lacks, no face at all, or a network that can't be explained so.
`TITLE` says in a few words what the map shows.
"""
