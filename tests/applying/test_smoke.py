from world import *
from world import order, line, cart, changes, actions
import time
def test_a(world):
    t=time.time()
    world.converge(order("A", [line("A:1", name="x", quantity="1", price="1.50")], hs_order_name="a"))
    print(time.time()-t)
def test_b(watched):
    t=time.time()
    watched.converge(order("A", [line("A:1", name="x", quantity="1", price="1.50")], hs_order_name="a"))
    print(time.time()-t)
    for s in watched.proxy.seen: print(s.method, s.path, s.status)
