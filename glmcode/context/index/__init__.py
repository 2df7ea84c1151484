"""What is known of a repository's files and history, kept between packs and keyed by content."""
