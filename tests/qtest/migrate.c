/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of migrate.h. */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "migrate.h"

#define POLL_US 10000

static void wait_completed(QTestState *qts)
{
    bool done = false;

    while (!done) {
        QDict *info = qtest_qmp_assert_success_ref(
            qts, "{ 'execute': 'query-migrate' }");
        const char *status = qdict_get_try_str(info, "status");

        g_assert_cmpstr(status, !=, "failed");
        done = !g_strcmp0(status, "completed");
        qobject_unref(info);
        g_usleep(POLL_US);
    }
}

char *migrate_save(QTestState *qts)
{
    g_autofree char *uri = NULL;
    char *path = NULL;
    int fd = g_file_open_tmp("amdvi-migrate-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    uri = g_strdup_printf("file:%s", path);
    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate',"
                             "  'arguments': { 'uri': %s } }", uri);
    wait_completed(qts);
    return path;
}

void migrate_load(QTestState *qts, const char *path)
{
    g_autofree char *uri = g_strdup_printf("file:%s", path);

    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate-incoming',"
                             "  'arguments': { 'uri': %s } }", uri);
    wait_completed(qts);
}
