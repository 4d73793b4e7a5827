"""From a text or a program's output to the causes of its failures."""
