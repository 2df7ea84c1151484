"""Which files and pieces of a repository have to do with a task: one kind of evidence a module, fused at the end."""
