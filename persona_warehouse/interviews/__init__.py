"""What people are asked: the bank of questions as files to fill in."""
