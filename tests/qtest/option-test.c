/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options: what is refused, and with which words; what follows from others. */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "bench.h"

/* 00:14.0, where the IOAPIC is */
#define SOUTHBRIDGE_ID 0x00a0

static const struct {
    const char *options;
    const char *error;
} refused[] = {
    { "svm=on,pasid-bits=0", "pasid-bits must be between 1 and 16" },
    { "svm=on,pasid-bits=17", "pasid-bits must be between 1 and 16" },
    { "svm=on,pasid-bits=300", "pasid-bits must be between 1 and 16" },
    { "svm=on,guest-levels=3", "guest-levels must be 4 or 5" },
    { "svm=on,guest-levels=6", "guest-levels must be 4 or 5" },
    { "svm=on,iotlb-size=0", "iotlb-size must be a power of two between 64 "
      "and 1048576" },
    { "svm=on,iotlb-size=32", "iotlb-size must be a power of two between 64 "
      "and 1048576" },
    { "svm=on,iotlb-size=100", "iotlb-size must be a power of two between 64 "
      "and 1048576" },
    { "svm=on,iotlb-size=2097152", "iotlb-size must be a power of two between "
      "64 and 1048576" },
    { "svm=on,dma-remap=off", "svm=on needs dma-remap=on" },
    { "dma-remap=off,svm=on", "svm=on needs dma-remap=on" },
    { "svm=on,dma-translation=off", "svm=on needs dma-translation=on" },
    { "svm=on,device-iotlb=on,ats=off",
      "device-iotlb=on contradicts ats=off" },
    { "svm=on,pri=on,ats=off", "pri=on needs ats=on" },
    { "svm=on,pci-id=nothing",
      "pci-id=nothing is not the id of an AMDVI-PCI device" },
    { "pasid-bits=16", "pasid-bits needs svm=on" },
    { "svm=off,guest-levels=4", "guest-levels needs svm=on" },
    { "svm=off,iotlb-size=4096", "iotlb-size needs svm=on" },
    { "ats=on", "ats=on needs svm=on" },
    { "pri=on", "pri=on needs svm=on" },
    { "pmu=on", "pmu=on needs svm=on" },
    { "svm=off,pmu=on", "pmu=on needs svm=on" },
};

/* How many messages of QEMU are in the text */
static int count_messages(const char *text)
{
    int count = 0;

    while ((text = strstr(text, "qemu-system-x86_64: "))) {
        text++;
        count++;
    }
    return count;
}

/* One sentence on stderr, and a failure */
static void test_refused(void)
{
    for (int i = 0; i < ARRAY_SIZE(refused); i++) {
        g_autofree char *device = g_strdup_printf("amd-iommu,%s",
                                                  refused[i].options);
        g_autofree char *wanted =
            g_strdup_printf(": amd-iommu: %s\n", refused[i].error);
        const char *argv[] = {
            getenv("QTEST_QEMU_BINARY"), "-machine", "q35", "-nodefaults",
            "-display", "none", "-accel", "qtest", "-device", device, NULL,
        };
        g_autofree char *text = NULL;
        int status = 0;

        g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
                                   G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                                   &text, &status, NULL));
        g_assert_cmpint(WEXITSTATUS(status), ==, 1);
        g_assert_true(g_str_has_suffix(text, wanted));
        g_assert_cmpint(count_messages(text), ==, 1);
    }
}

static const char *const accepted[] = {
    "svm=on,pasid-bits=1", "svm=on,pasid-bits=16", "svm=on,guest-levels=4",
    "svm=on,iotlb-size=64", "svm=on,iotlb-size=1048576",
    "svm=on,guest-levels=5", "svm=on,ats=off,pri=off,pmu=off",
    "svm=on,ats=on", "svm=on,ats=on,pri=off", "svm=on,device-iotlb=on,pri=on",
    "svm=on,dma-remap=on", "svm=on,intremap=off", "svm=on,xtsup=on",
    "svm=on,pmu=on", "svm=on,pmu=on,ats=off",
    "svm=off,ats=off,pri=off,pmu=off",
};

static void test_accepted(void)
{
    for (int i = 0; i < ARRAY_SIZE(accepted); i++) {
        bench_stop(bench_start(accepted[i], ""));
    }
}

static QDict *query(Bench *b)
{
    QDict *reply = qtest_qmp(b->qts, "{ 'execute': 'query-amd-iommu' }");
    QDict *info = qobject_to(QDict, qlist_peek(qdict_get_qlist(reply,
                                                               "return")));

    qobject_ref(info);
    qobject_unref(reply);
    return info;
}

/* Defaults are filled in; svm=on implies dma-remap=on */
static void test_defaults(void)
{
    Bench *b = bench_start("svm=on", "");
    QDict *info = query(b);
    QDict *options = qdict_get_qdict(info, "options");

    g_assert_cmpstr(qdict_get_str(info, "engine"), ==, "svm");
    g_assert_true(qdict_get_bool(options, "dma-remap"));
    g_assert_true(qdict_get_bool(options, "intremap"));
    g_assert_false(qdict_get_bool(options, "xtsup"));
    g_assert_cmpint(qdict_get_int(options, "pasid-bits"), ==, 16);
    g_assert_cmpint(qdict_get_int(options, "guest-levels"), ==, 5);
    g_assert_cmpint(qdict_get_int(options, "iotlb-size"), ==, 4096);
    g_assert_true(qdict_get_bool(options, "ats"));
    g_assert_true(qdict_get_bool(options, "pri"));
    g_assert_false(qdict_get_bool(options, "pmu"));
    qobject_unref(info);
    bench_stop(b);
}

/* The stock model has none of the new options in force */
static void test_off(void)
{
    Bench *b = bench_start("", "");
    QDict *info = query(b);
    QDict *options = qdict_get_qdict(info, "options");

    g_assert_cmpstr(qdict_get_str(info, "engine"), ==, "stock");
    g_assert_false(qdict_get_bool(options, "dma-remap"));
    g_assert_false(qdict_haskey(options, "pasid-bits"));
    g_assert_false(qdict_haskey(options, "ats"));
    qobject_unref(info);
    bench_stop(b);
}

/* The capability: nothing absent is cached, EFR and Misc are there */
static void check_capability(const char *options, uint32_t header,
                             uint32_t misc)
{
    Bench *b = bench_start(options, "");
    uint8_t cap = config_find(b, IOMMU_ID, 0x0f);

    g_assert_cmphex(config_read(b, IOMMU_ID, cap) & 0xffff00ff, ==, header);
    g_assert_cmphex(config_read(b, IOMMU_ID, cap + 0x10), ==, misc);
    bench_stop(b);
}

static void test_capability(void)
{
    check_capability("svm=on", 0x1b0b000f, 0x08203040);
    /* IotlbSup; no message for page requests */
    check_capability("svm=on,ats=off", 0x1a0b000f, 0x00203040);
}

/* The user may place the PCI function */
static void test_pci_id(void)
{
    Bench b = { 0 };
    const uint16_t function = 0x0018;
    QDict *info;

    b.qts = qtest_init("-machine q35 -nodefaults -nic none "
                       "-device AMDVI-PCI,id=function,addr=03.0 "
                       "-device amd-iommu,svm=on,pci-id=function");
    info = query(&b);
    g_assert_cmphex(qdict_get_int(info, "device-id"), ==, function);
    g_assert_cmphex(config_read(&b, function,
                                config_find(&b, function, 0x0f)) & 0xffff00ff,
                    ==, 0x1b0b000f);
    qobject_unref(info);
    qtest_quit(b.qts);
}

/* Class SMBus at 00:14.0, or what the user has put there, or nothing */
static void check_southbridge(const char *iommu, const char *more,
                              uint32_t vendor, uint32_t class)
{
    Bench *b = bench_start(iommu, more);

    g_assert_cmphex(config_read(b, SOUTHBRIDGE_ID, 0), ==, vendor);
    g_assert_cmphex(config_read(b, SOUTHBRIDGE_ID, 8) >> 16, ==, class);
    bench_stop(b);
}

static void test_southbridge(void)
{
    check_southbridge("svm=on", "", 0x0c051234, 0x0c05);
    check_southbridge("svm=on,intremap=off", "", UINT32_MAX, 0xffff);
    check_southbridge("svm=off", "", UINT32_MAX, 0xffff);
    check_southbridge("svm=on", "-device edu,addr=14.0", 0x11e81234, 0x00ff);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/option/refused", test_refused);
    qtest_add_func("/amdvi/option/accepted", test_accepted);
    qtest_add_func("/amdvi/option/defaults", test_defaults);
    qtest_add_func("/amdvi/option/off", test_off);
    qtest_add_func("/amdvi/option/capability", test_capability);
    qtest_add_func("/amdvi/option/pci-id", test_pci_id);
    qtest_add_func("/amdvi/option/southbridge", test_southbridge);
    return g_test_run();
}
