"""What people and programs read: one view of a plan or report, and thin renderers over it."""
