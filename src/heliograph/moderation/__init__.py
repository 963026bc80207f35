"""What may not be asked for or shown here: the operator's word list, and a judge of pictures."""
