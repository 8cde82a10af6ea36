# SPDX-License-Identifier: GPL-2.0-or-later
#
# The devices of QEMU's fuzzer as we build it: a q35 with an AMD IOMMU and the
# functions that share virtual memory.  All others would only take time.
CONFIG_Q35=y
CONFIG_AMD_IOMMU=y
CONFIG_SVM_TESTDEV=y
CONFIG_DSA=y
