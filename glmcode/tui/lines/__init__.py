"""A scrolling view of lines, and changes laid out as lines, for every screen that shows them."""
