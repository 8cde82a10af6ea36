/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What those who look into device TLBs call, without any device of ours. */
#include "qemu/osdep.h"
#include "client.h"

SvmClient *svm_client_of(PCIDevice *dev)
{
    return NULL;
}

uint32_t svm_client_tlb_size(const SvmClient *client)
{
    return 0;
}

void svm_client_tlb_entry(SvmClient *client, uint32_t index,
                          SvmTlbEntry *entry)
{
    g_assert_not_reached();
}

void svm_client_judge(SvmClient *client, uint32_t index, uint64_t number,
                      int64_t stale_since, SvmStaleHit *hit, void *opaque)
{
    g_assert_not_reached();
}
