"""What trained networks know that another task can use: features into an SVM, fine-tuning, against nothing."""
