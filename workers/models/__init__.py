"""Models, which turn a decoded picture or a text into one embedding."""
