"""Plain, immutable facts about a patient and its failures; imports nothing of doctor."""
