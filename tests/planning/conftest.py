"""Tests of planning share the builders in ``pure.py``."""

import sys
from pathlib import Path

# Helpers are plain modules beside this file; importlib mode puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parent))
