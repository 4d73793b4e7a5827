"""What a person or a program gets to see: pure functions of a diagnosis, behind one gate that masks what is private."""
