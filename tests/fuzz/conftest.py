"""The fuzzer's modules stand beside its tests, and use those of the crashes."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "crashes")]
