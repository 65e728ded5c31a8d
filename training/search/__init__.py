"""Search over the settings of any recipe: a space in words, trials that go on, and the best of them."""
