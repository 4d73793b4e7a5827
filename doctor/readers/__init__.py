"""Facts from text: what people paste, as lines, failures and environments."""
