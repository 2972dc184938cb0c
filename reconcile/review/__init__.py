"""What was reviewed: the record that a plan run leaves for the merge job."""
