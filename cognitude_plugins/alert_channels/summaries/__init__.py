"""What a day or a week came to, told by itself."""
