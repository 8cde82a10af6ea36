# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine and the steps of scripts/svm-walkthrough, as a module STEPS."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "svm-walkthrough"


def load(path: Path) -> Any:
    """A program whose name is not that of a module."""
    name = path.name.replace("-", "_")
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


STEPS = load(SCRIPT)
# What it does it tells to people; tests print their results only.
STEPS.print = lambda *words, **options: None
