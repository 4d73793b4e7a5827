"""The pure heart: environment and matrix in, Diagnosis out; several environments held against each other."""
