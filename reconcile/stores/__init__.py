"""Where state, and what goes with it, is kept between runs."""
