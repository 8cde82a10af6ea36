# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of qemu/build: source, tree, patches, compile, series."""
