"""What glmcode says to the model: every text that a model reads, as Markdown files."""
