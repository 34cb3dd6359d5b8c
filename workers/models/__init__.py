"""Models: what turns a decoded picture, or words, into one embedding."""
