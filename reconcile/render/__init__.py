"""Output for people and programs: one view of a plan or report, and renderers over it."""
