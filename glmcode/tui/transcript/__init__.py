"""The conversation on screen: its entries as data, their lines for a width, and the scrolling view of them."""
