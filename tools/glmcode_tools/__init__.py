"""What the model may do: the tools, their arguments, and the results they give."""
