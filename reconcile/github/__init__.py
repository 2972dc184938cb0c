"""The forge that the gate works on: GitHub's REST API, and the job that reconcile runs in."""
