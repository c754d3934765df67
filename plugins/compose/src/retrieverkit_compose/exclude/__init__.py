"""What is never to be found."""
