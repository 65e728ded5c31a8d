"""What a network looks at: one method a file, each a map of a picture's pixels, and a command that draws them."""
