from tests.cli.conftest import *
import time
MANY="---\n".join(f"kind: order\nkey: M-{i}\nproperties: {{hs_order_name: Order {i}}}\nline_items:\n  - {{key: 'M-{i}:1', properties: {{name: x, quantity: 1, price: 2.00}}}}\n" for i in range(250))
@pytest.mark.parametrize("hold,release",[("/orders/batch/upsert",True),("/orders/batch/upsert",False),("/line_items/batch/create",True),("/line_items/batch/create",False),("/orders/batch/read",False)])
@pytest.mark.parametrize("cmd",["plan","apply"])
def test_x(project: Project, hold,release,cmd):
    p=project; p.write(MANY)
    if cmd=="plan" and "read" not in hold: return
    with Relay(p.account, hold) as relay:
        p.settings(PROJECT.replace("{url}", relay.url))
        pr=p.process(cmd, *(["--auto-approve"] if cmd=="apply" else []))
        assert relay.held.wait(30)
        t=time.time()
        pr.send_signal(signal.SIGINT)
        if release: relay.release()
        r=p.end(pr)
        with p.capsys.disabled(): print(cmd, hold,release, time.time()-t, r.code, r.out[-1500:], "\nERR", r.err[-600:])
    with p.capsys.disabled():
        print(p.account.count("orders"), p.account.count("line_items"))
        r=p.run("apply","--auto-approve"); print(r.code, r.out[-1500:], r.err); print(p.fine("plan")); 
        print(p.account.count("orders"), p.account.count("line_items"))
