"""What private values look like: one masker for each way in which one kind of them shows. docs/privacy.md says which kinds there are."""
