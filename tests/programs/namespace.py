# Modules of a namespace package (no __init__.py) and of one inside it.
# expect: spaces.outer_work.outside spaces.inner.work.inside
from rounds import rounds
from spaces import outer_work
from spaces.inner import work

for _ in rounds():
    result = outer_work.outside(1) + work.inside(2)
print(result)
