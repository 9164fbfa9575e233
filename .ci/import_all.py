"""Import every module of the package named on the command line; its dependencies are complete when that works."""

import importlib
import pkgutil
import sys

NOT_BY_THEMSELVES = {"hub_core.engine.store.migrations.env"}  # only Alembic can run it

package = importlib.import_module(sys.argv[1])
names = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
for name in names:
    if name not in NOT_BY_THEMSELVES:
        importlib.import_module(name)
print(f"{package.__name__}: {len(names)} modules, from {package.__path__[0]}")
