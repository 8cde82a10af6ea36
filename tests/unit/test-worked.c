/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every worked word of the specification, decoded to its fields and built
 * from them.  Sources: spec/structures.md, spec/registers.md 15,
 * spec/translation.md 12.
 */
#include "unit.h"

#include <stdlib.h>

#include "amdvi.h"

/*
 * @fields lists id=value (C syntax of numbers); fields that are not listed
 * are 0.
 */
struct worked {
    const char *name;
    const char *layout;
    uint64_t words[AMDVI_MAX_WORDS];
    const char *fields;
};

static const struct worked dtes[] = {
    { "A: Linux SVA", "dte", { 0x7d90000000000003, 0x00001001468a0007 },
      "v=1 tv=1 ppr=1 gv=1 glx=1 gcr3_trp=0x123457000 ir=1 iw=1 "
      "domain_id=7 i=1" },
    { "A2: high root", "dte", { 0x7d90000000000003, 0xabcde801e2460007 },
      "v=1 tv=1 ppr=1 gv=1 glx=1 gcr3_trp=0xabcdef1237000 ir=1 iw=1 "
      "domain_id=7 i=1" },
    { "A3: GIoV and interrupts", "dte",
      { 0x7dd0000000000003, 0x00001001468a0007, 0x2040000000200013 },
      "v=1 tv=1 ppr=1 giov=1 gv=1 glx=1 gcr3_trp=0x123457000 ir=1 iw=1 "
      "domain_id=7 i=1 iv=1 int_tab_len=9 int_tab_root=0x200000 "
      "guest_paging_mode=1 int_ctl=2" },
    { "B: host only", "dte", { 0x600000001abcd803, 0x2a },
      "v=1 tv=1 mode=4 host_pt_root=0x1abcd000 ir=1 iw=1 domain_id=0x2a" },
    { "B2: dirty tracking", "dte", { 0x600000001abcd983, 0x2a },
      "v=1 tv=1 had=3 mode=4 host_pt_root=0x1abcd000 ir=1 iw=1 "
      "domain_id=0x2a" },
    { "C: pass-through", "dte", { 0x6000000000000003, 1 },
      "v=1 tv=1 ir=1 iw=1 domain_id=1" },
    { "D: blocked", "dte", { 1 }, "v=1" },
    { "E: nested", "dte", { 0x6dd000001abcd803, 0x00000001eca80033 },
      "v=1 tv=1 mode=4 host_pt_root=0x1abcd000 ppr=1 giov=1 gv=1 glx=1 "
      "gcr3_trp=0x76543000 ir=1 iw=1 domain_id=0x33 i=1" },
    { "F: interrupts only", "dte", { 0, 0, 0x2000000000200013 },
      "iv=1 int_tab_len=9 int_tab_root=0x200000 int_ctl=2" },
    { "GCR3 root 1", "dte", { 0x1c00000000000000, 0x00001000468a0000 },
      "gcr3_trp=0x123457000" },
    { "GCR3 root 2", "dte", { 0x1c00000000000000, 0xabcde800e2460000 },
      "gcr3_trp=0xabcdef1237000" },
};

static const struct worked entries[] = {
    { "GCR3 leaf", "gcr3e", { 0x23456001 }, "v=1 addr=0x23456000" },
    { "host PDE", "hpde", { 0x6000000001000601 },
      "pr=1 next_level=3 addr=0x1000000 ir=1 iw=1" },
    { "host 4 KiB PTE", "hpte", { 0x7000000089abc001 },
      "pr=1 addr=0x89abc000 fc=1 ir=1 iw=1" },
    { "host 64 KiB PTE", "hpte_sized", { 0x6000000000087e01 },
      "pr=1 next_level=7 addr=0x87000 ir=1 iw=1" },
    { "host 2 MiB PTE", "hpte", { 0x6000000040000001 },
      "pr=1 addr=0x40000000 ir=1 iw=1" },
    { "host 2 MiB PTE, NL=7", "hpte_sized", { 0x60000000400ffe01 },
      "pr=1 next_level=7 addr=0x400ff000 ir=1 iw=1" },
    { "host 4 MiB PTE", "hpte_sized", { 0x60000000401ffe01 },
      "pr=1 next_level=7 addr=0x401ff000 ir=1 iw=1" },
    { "guest PDE", "gpde", { 0x01000027 }, "p=1 rw=1 us=1 a=1 addr=0x1000000" },
    { "guest 4 KiB PTE", "gpte", { 0x8000000089abc067 },
      "p=1 rw=1 us=1 a=1 d=1 addr=0x89abc000 nx=1" },
    { "guest 2 MiB leaf", "gpte_2m", { 0x400000e7 },
      "p=1 rw=1 us=1 a=1 d=1 ps=1 addr=0x40000000" },
};

static const struct worked commands[] = {
    { "COMPLETION_WAIT store", "completion_wait",
      { 0x1000000012345679, 0xdeadbeef00000001 },
      "opcode=1 s=1 store_addr=0x12345678 store_data=0xdeadbeef00000001" },
    { "COMPLETION_WAIT interrupt", "completion_wait", { 0x1000000000000002 },
      "opcode=1 i=1" },
    { "INVALIDATE_DEVTAB_ENTRY", "invalidate_devtab_entry",
      { 0x2000000000000028 }, "opcode=2 device_id=0x28" },
    { "INVALIDATE_IOMMU_PAGES 4 KiB", "invalidate_iommu_pages",
      { 0x3000000700000005, 0x00007f0000001004 },
      "opcode=3 pasid=5 domain_id=7 gn=1 addr=0x7f0000001000" },
    { "INVALIDATE_IOMMU_PAGES 64 KiB", "invalidate_iommu_pages",
      { 0x3000000700000005, 0x00007f0000017007 },
      "opcode=3 pasid=5 domain_id=7 gn=1 pde=1 s=1 addr=0x7f0000017000" },
    { "INVALIDATE_IOMMU_PAGES PASID", "invalidate_iommu_pages",
      { 0x3000000700000005, 0x7ffffffffffff007 },
      "opcode=3 pasid=5 domain_id=7 gn=1 pde=1 s=1 addr=0x7ffffffffffff000" },
    { "INVALIDATE_IOMMU_PAGES domain", "invalidate_iommu_pages",
      { 0x3000002a00000000, 0x7ffffffffffff003 },
      "opcode=3 domain_id=0x2a pde=1 s=1 addr=0x7ffffffffffff000" },
    { "INVALIDATE_IOMMU_PAGES of munmap", "invalidate_iommu_pages",
      { 0x3000000700000005, 0x00007f0000001006 },
      "opcode=3 pasid=5 domain_id=7 gn=1 pde=1 addr=0x7f0000001000" },
    { "INVALIDATE_IOTLB_PAGES PASID 5", "invalidate_iotlb_pages",
      { 0x4005002820000028, 0x00007f0000001004 },
      "opcode=4 device_id=0x28 pasid=5 max_pend=0x20 queue_id=0x28 gn=1 "
      "addr=0x7f0000001000" },
    { "INVALIDATE_IOTLB_PAGES PASID 12345h", "invalidate_iotlb_pages",
      { 0x4145002820230028, 0x00007f0000001004 },
      "opcode=4 device_id=0x28 pasid=0x12345 max_pend=0x20 queue_id=0x28 "
      "gn=1 addr=0x7f0000001000" },
    { "INVALIDATE_IOTLB_PAGES all", "invalidate_iotlb_pages",
      { 0x4000002820000028, 0x7ffffffffffff001 },
      "opcode=4 device_id=0x28 max_pend=0x20 queue_id=0x28 s=1 "
      "addr=0x7ffffffffffff000" },
    { "INVALIDATE_INTERRUPT_TABLE", "invalidate_interrupt_table",
      { 0x5000000000000028 }, "opcode=5 device_id=0x28" },
    { "PREFETCH", "prefetch_iommu_pages",
      { 0x6000000501000028, 0x00007f0000001004 },
      "opcode=6 device_id=0x28 pf_count=1 pasid=5 gn=1 addr=0x7f0000001000" },
    { "COMPLETE_PPR no PASID", "complete_ppr_request",
      { 0x7000000000000028, 0x0000000300000000 },
      "opcode=7 device_id=0x28 prg_index=3" },
    { "COMPLETE_PPR PASID 5", "complete_ppr_request",
      { 0x7000000500000028, 0x0000000300000004 },
      "opcode=7 device_id=0x28 pasid=5 gn=1 prg_index=3" },
    { "COMPLETE_PPR invalid", "complete_ppr_request",
      { 0x7000000500000028, 0x0000100300000004 },
      "opcode=7 device_id=0x28 pasid=5 gn=1 prg_index=3 response=1" },
    { "COMPLETE_PPR failure", "complete_ppr_request",
      { 0x7000000000000028, 0x0000f1ff00000000 },
      "opcode=7 device_id=0x28 prg_index=0x1ff response=15" },
    { "COMPLETE_PPR Linux failure", "complete_ppr_request",
      { 0x7000000000000028, 0x0000200300000000 },
      "opcode=7 device_id=0x28 prg_index=3 response=2" },
    { "INVALIDATE_IOMMU_ALL", "invalidate_iommu_all", { 0x8000000000000000 },
      "opcode=8" },
};

static const struct worked events[] = {
    { "write, not present", "io_page_fault",
      { 0x2020002a00000028, 0x89abc123 },
      "code=2 device_id=0x28 domain_id=0x2a rw=1 addr=0x89abc123" },
    { "write denied", "io_page_fault", { 0x2070002a00000028, 0x89abc000 },
      "code=2 device_id=0x28 domain_id=0x2a pr=1 rw=1 pe=1 addr=0x89abc000" },
    { "user write, PASID 10005h", "io_page_fault_gn",
      { 0x2025000500010028, 0x7f0000001000 },
      "code=2 device_id=0x28 pasid=0x10005 gn=1 us=1 rw=1 "
      "addr=0x7f0000001000" },
    { "interrupt fault", "io_page_fault", { 0x2028002a00000028, 0xfee00005 },
      "code=2 device_id=0x28 domain_id=0x2a i=1 rw=1 addr=0xfee00005" },
    { "illegal DTE", "illegal_dev_table_entry",
      { 0x1080000000000028, 0x89abc000 },
      "code=1 device_id=0x28 rz=1 addr=0x89abc000" },
    { "illegal DTE, ATS", "illegal_dev_table_entry",
      { 0x1180000000000028, 0x89abc000 },
      "code=1 device_id=0x28 rz=1 tr=1 addr=0x89abc000" },
    { "DTE master abort", "dev_tab_hardware_error",
      { 0x3220000000000028, 0x01000500 },
      "code=3 device_id=0x28 rw=1 type=1 addr=0x1000500" },
    { "illegal command", "illegal_command_error",
      { 0x5000000000000000, 0x02000040 }, "code=5 addr=0x2000040" },
    { "command master abort", "command_hardware_error",
      { 0x6200000000000000, 0x02000040 }, "code=6 type=1 addr=0x2000040" },
    { "IOTLB timeout", "iotlb_inv_timeout", { 0x7000000000000028, 0x02000040 },
      "code=7 device_id=0x28 addr=0x2000040" },
    { "ATS with I=0", "invalid_device_request_tr",
      { 0x8100000000000028, 0x7f0000001000 },
      "code=8 device_id=0x28 tr=1 addr=0x7f0000001000" },
    { "translated with I=0", "invalid_device_request",
      { 0x8200000000000028, 0x7f0000001000 },
      "code=8 device_id=0x28 type=1 addr=0x7f0000001000" },
    { "page request refused", "invalid_ppr_request",
      { 0x9000020300050028, 0x7f0000001000 },
      "code=9 device_id=0x28 pasid=5 prg_index=3 last=1 "
      "addr=0x7f0000001000" },
};

static const struct worked logs[] = {
    { "user read", "ppr_entry", { 0x1144020300050028, 0x7f0000001000 },
      "code=1 device_id=0x28 pasid=5 prg_index=3 last=1 r=1 us=1 gn=1 "
      "addr=0x7f0000001000" },
    { "user read and write", "ppr_entry",
      { 0x1164020300050028, 0x7f0000001000 },
      "code=1 device_id=0x28 pasid=5 prg_index=3 last=1 r=1 w=1 us=1 gn=1 "
      "addr=0x7f0000001000" },
    { "PASID 12345h, not last", "ppr_entry",
      { 0x116005ab23450028, 0x7f0000002000 },
      "code=1 device_id=0x28 pasid=0x12345 prg_index=0x1ab w=1 us=1 gn=1 "
      "addr=0x7f0000002000" },
    { "GA entry", "ga_entry", { 0x1000002800010003 },
      "code=1 device_id=0x28 ga_tag=0x10003" },
};

static const struct worked irtes[] = {
    { "32-bit", "irte32", { 0x00410301 }, "remap_en=1 dest=3 vector=0x41" },
    { "128-bit", "irte128", { 0x01234501, 0x41 },
      "remap_en=1 dest=0x12345 vector=0x41" },
    { "128-bit, high destination", "irte128",
      { 0x0201, 0x0100000000000041 },
      "remap_en=1 dest=0x1000002 vector=0x41" },
};

static const struct worked registers[] = {
    { "device table", "devtab_base", { 0x010001ff },
      "size=0x1ff base=0x1000000" },
    { "command ring", "cmd_base", { 0x0900000002000000 },
      "base=0x2000000 len=9" },
    { "PPR ring", "ppr_base", { 0x0900000003000000 }, "base=0x3000000 len=9" },
    { "control for SVA", "control", { 0x000020000001f08d },
      "iommu_en=1 event_log_en=1 event_int_en=1 inv_time_out=4 cmd_buf_en=1 "
      "ppr_log_en=1 ppr_int_en=1 ppr_en=1 gt_en=1 eph_en=1" },
    { "control for SVA, XT", "control", { 0x000c20000003f08d },
      "iommu_en=1 event_log_en=1 event_int_en=1 inv_time_out=4 cmd_buf_en=1 "
      "ppr_log_en=1 ppr_int_en=1 ppr_en=1 gt_en=1 eph_en=1 ga_en=1 xt_en=1 "
      "int_cap_xt_en=1" },
    { "EFR of QEMU 10.2.2", "efr", { 0x29d3 },
      "pref_sup=1 ppr_sup=1 gt_sup=1 ia_sup=1 ga_sup=1 he_sup=1 hats=2 "
      "gats=2" },
    { "smallest EFR for SVA", "efr", { 0x0005000f00004052 },
      "ppr_sup=1 gt_sup=1 ia_sup=1 glx_sup=1 pas_max=15 gio_sup=1 "
      "eph_sup=1" },
    { "suggested EFR", "efr", { 0x0005002f000059df },
      "pref_sup=1 ppr_sup=1 xt_sup=1 nx_sup=1 gt_sup=1 ia_sup=1 ga_sup=1 "
      "he_sup=1 hats=2 gats=1 glx_sup=1 pas_max=15 us_sup=1 gio_sup=1 "
      "eph_sup=1" },
    { "suggested EFR and more", "efr", { 0x0017032f000059df },
      "pref_sup=1 ppr_sup=1 xt_sup=1 nx_sup=1 gt_sup=1 ia_sup=1 ga_sup=1 "
      "he_sup=1 hats=2 gats=1 glx_sup=1 pas_max=15 us_sup=1 "
      "ppr_ovrflw_early_sup=1 ppr_auto_rsp_sup=1 gio_sup=1 ha_sup=1 "
      "eph_sup=1 hd_sup=1" },
    { "XT PPR", "xt_ppr", { 0x0100005500000200 },
      "dest=0x1000002 vector=0x55" },
};

/* The listed value of a field; 0 if it is not listed */
static uint64_t listed(const char *fields, const char *id)
{
    size_t len = strlen(id);

    for (const char *p = fields; p; p = strchr(p, ' ')) {
        p += *p == ' ';
        if (strncmp(p, id, len) == 0 && p[len] == '=') {
            return strtoull(p + len + 1, NULL, 0);
        }
    }
    return 0;
}

/* Number of fields listed, to be sure that each was looked at */
static int count_listed(const char *fields)
{
    int n = 0;

    for (const char *p = fields; (p = strchr(p, '=')); p++) {
        n++;
    }
    return n;
}

static void check_decode(const struct worked *w, const struct amdvi_layout *l)
{
    int seen = 0;

    for (int i = 0; i < l->nfields; i++) {
        const struct amdvi_field *f = &l->field[i];

        if (amdvi_field_named(f)) {
            uint64_t value = listed(w->fields, f->id);

            expect_u64(w->name, f->id, amdvi_field_get(f, w->words), value);
            seen += value != 0;
        }
    }
    expect_u64(w->name, "listed fields found", seen, count_listed(w->fields));
}

static void check_encode(const struct worked *w, const struct amdvi_layout *l)
{
    uint64_t words[AMDVI_MAX_WORDS] = { 0 };

    for (int i = 0; i < l->nfields; i++) {
        const struct amdvi_field *f = &l->field[i];

        if (amdvi_field_named(f)) {
            expect_true(w->name, f->id,
                        amdvi_field_set(f, words, listed(w->fields, f->id)));
        }
    }
    for (int i = 0; i < AMDVI_MAX_WORDS; i++) {
        expect_u64(w->name, "built word", words[i], w->words[i]);
    }
}

/* Families in which the first word alone says what the entry is */
static bool matchable(const struct amdvi_layout *l)
{
    return l->family != AMDVI_FAMILY_REGISTER &&
           l->family != AMDVI_FAMILY_GUEST;
}

static void check_worked(const struct worked *w, size_t count)
{
    for (; count; w++, count--) {
        const struct amdvi_layout *l = amdvi_layout_by_id(w->layout);
        uint64_t bad[AMDVI_MAX_WORDS];

        expect_true(w->name, "the layout exists", l != NULL);
        check_decode(w, l);
        check_encode(w, l);
        expect_true(w->name, "no reserved bit is set",
                    !amdvi_reserved_bits(l, NULL, w->words, bad));
        if (matchable(l)) {
            expect_true(w->name, "the first word tells what it is",
                        amdvi_layout_match(l->family, w->words[0]) == l);
        }
    }
}

static void test_dtes(void **state)
{
    (void)state;
    check_worked(dtes, ARRAY_SIZE(dtes));
}

static void test_entries(void **state)
{
    (void)state;
    check_worked(entries, ARRAY_SIZE(entries));
}

static void test_commands(void **state)
{
    (void)state;
    check_worked(commands, ARRAY_SIZE(commands));
}

static void test_events(void **state)
{
    (void)state;
    check_worked(events, ARRAY_SIZE(events));
}

static void test_logs(void **state)
{
    (void)state;
    check_worked(logs, ARRAY_SIZE(logs));
}

static void test_irtes(void **state)
{
    (void)state;
    check_worked(irtes, ARRAY_SIZE(irtes));
}

static void test_registers(void **state)
{
    (void)state;
    check_worked(registers, ARRAY_SIZE(registers));
}

/* The constants that code builds commands and events with */
static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(AMDVI_CODE_completion_wait, 1);
    assert_int_equal(AMDVI_CODE_complete_ppr_request, 7);
    assert_int_equal(AMDVI_CODE_reset_vmmio, 10);
    assert_int_equal(AMDVI_CODE_io_page_fault, 2);
    assert_int_equal(AMDVI_CODE_io_page_fault_gn, 2);
    assert_int_equal(AMDVI_CODE_invalid_device_request_tr, 8);
    assert_int_equal(AMDVI_CODE_rmp_hardware_error, 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtes),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_irtes),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_codes),
    };

    return cmocka_run_group_tests_name("worked", tests, NULL, NULL);
}
