"""What the stream guard is made of: it notices what GLM and its servers get wrong, and puts it right."""
