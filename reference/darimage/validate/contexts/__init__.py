"""What rules get to see, a module each; what is costly is made when a rule first asks for it."""
