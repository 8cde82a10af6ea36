# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands for GDB that decode the AMD IOMMU of the VM it is attached to.

    (gdb) target remote :1234
    (gdb) source gdb/amdvi-gdb.py
    (gdb) amdvi devices

See docs/gdb.md.
"""

import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)

import amdvi_gdb  # noqa: E402

amdvi_gdb.load()
