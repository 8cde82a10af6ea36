# SPDX-License-Identifier: GPL-2.0-or-later
#
# The devices of QEMU's fuzzer as we build it: a q35 with an AMD IOMMU and the
# functions that share virtual memory.  All others would only take time.
CONFIG_Q35=y
CONFIG_AMD_IOMMU=y
CONFIG_SVM_TESTDEV=y
CONFIG_DSA=y
# A q35's ACPI tables refer to CXL, whose stubs lack what they need
CONFIG_PCIE_PORT=y
CONFIG_PXB=y
CONFIG_CXL=y
CONFIG_CXL_MEM_DEVICE=y
