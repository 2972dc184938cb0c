import sys
import pytest
sys.path.insert(0,"/work/main/tests")
from probed import *
@pytest.mark.parametrize("committed",[False,True])
@pytest.mark.parametrize("number",range(1,119))
def test_it(world, interfere, number, committed):
    probe = world.probe()
    before, sent = world.dump(), []
    def change(method, path, _, onward):
        sent.append(path)
        if len(sent)==number:
            if committed: onward()
            raise KeyboardInterrupt
        return onward()
    interfere(change)
    report = probe.run(lambda _: None)
    assert report.stopped=="interrupted"
    assert world.dump()==before, report.left
    if report.left: assert not committed or report.left[0].startswith("perhaps"), report.left
    if committed: assert report.left==(), report.left
